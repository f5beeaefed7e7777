package nexpay

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// An Order is what a new payment says. [Signer.SignOrder] writes it in the order
// that the vendor calls strict, and signs it. Fields without "required" may be
// empty and are then not sent.
//
// Amount is decimal text and not a number: a float64 has no 0.10, and what is
// signed is the text.
type Order struct {
	RequestTime          time.Time // when the payment was ordered; sent in milliseconds since 1970; required
	Account              string    // the IBAN to pay from; empty: the API key's default account
	Amount               string    // in euros: digits, and at most two decimals behind a "."; above 0; required
	BeneficiaryName      string    // required
	BeneficiaryAddress   string
	BeneficiaryAccount   string // the IBAN to pay to; required
	BeneficiaryReference string // required
	UseGBXForFee         *bool  // whether to pay the fee in GBX tokens; nil: not sent, the API decides
	ExternalPaymentID    string // the caller's own id, without which the payment cannot be looked up

	// Version is that of the call which creates the payment: 2, or 1, which has
	// the last two fields the other way round. Zero: 2. A [Payment] has to have
	// the same one.
	Version int
}

// SignOrder returns the order as the form that [Client.CreatePayment] and
// [Payment] send: as [Order.Form] writes it, and signed as by [Signer.SignPayment].
// Its error lists everything wrong with the order and with the signer.
func (s *Signer) SignOrder(o Order) (Form, error) {
	form, wrong := o.Form()
	if wrong != nil {
		return nil, errors.Join(wrong, s.canSignPayments())
	}
	return s.SignPayment(form)
}

// Form returns the fields as they are sent, unsigned, or an error that lists
// everything that is wrong and quotes none of it.
func (o Order) Form() (Form, error) {
	fields := o.fields()
	errs := []error{checkVersion("Order", o.Version)}
	for _, f := range fields {
		errs = append(errs, f.check())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var form Form
	for _, f := range fields {
		if f.value != "" {
			form = append(form, Field{Name: f.wire, Value: f.value})
		}
	}
	return form, nil
}

// orderField is one field of an Order on its way to the wire.
type orderField struct {
	name, wire, value string
	required          bool
	well              func(string) bool // nil: any text will do
	how               string            // what well asks for, in words
}

// fields are all of them, in the order of the version.
func (o Order) fields() []orderField {
	requested, gbx := "", ""
	if !o.RequestTime.IsZero() {
		requested = strconv.FormatInt(o.RequestTime.UnixMilli(), 10)
	}
	if o.UseGBXForFee != nil {
		gbx = strconv.FormatBool(*o.UseGBXForFee)
	}
	fields := []orderField{
		{name: "RequestTime", wire: "requestTime", value: requested, required: true, well: milliseconds, how: "a time after 1970"},
		{name: "Account", wire: "account", value: o.Account},
		{name: "Amount", wire: "amount", value: o.Amount, required: true, well: euros, how: `euros above 0, as digits with at most two decimals behind a "."`},
		{name: "BeneficiaryName", wire: "beneficiaryName", value: o.BeneficiaryName, required: true},
		{name: "BeneficiaryAddress", wire: "beneficiaryAddress", value: o.BeneficiaryAddress},
		{name: "BeneficiaryAccount", wire: "beneficiaryAccount", value: o.BeneficiaryAccount, required: true},
		{name: "BeneficiaryReference", wire: "beneficiaryReference", value: o.BeneficiaryReference, required: true},
		{name: "UseGBXForFee", wire: "useGbxForFee", value: gbx},
		{name: "ExternalPaymentID", wire: externalID, value: o.ExternalPaymentID},
	}
	if last := len(fields) - 1; o.Version == 1 {
		fields[last-1], fields[last] = fields[last], fields[last-1]
	}
	return fields
}

var (
	amount = regexp.MustCompile(`^(0|[1-9][0-9]{0,14})(\.[0-9]{1,2})?$`)
	number = regexp.MustCompile(`^[1-9][0-9]{0,14}$`)
)

func euros(s string) bool        { return amount.MatchString(s) && strings.Trim(s, "0.") != "" }
func milliseconds(s string) bool { return number.MatchString(s) }

// check says what is wrong with the field. White space around a value is taken
// for a slip: it would be signed, and what a server makes of it is not known.
func (f orderField) check() error {
	switch {
	case f.value == "" && f.required:
		return unsent("nexpay: Order." + f.name + " is missing")
	case !utf8.ValidString(f.value) || strings.ContainsFunc(f.value, unicode.IsControl):
		return unsent("nexpay: Order." + f.name + " holds a line end, another control character or what is not UTF-8")
	case strings.TrimSpace(f.value) != f.value:
		return unsent("nexpay: Order." + f.name + " begins or ends with white space")
	case f.value != "" && f.well != nil && !f.well(f.value):
		return unsent("nexpay: Order." + f.name + " is not " + f.how)
	}
	return nil
}

// checkVersion refuses versions that are not known.
func checkVersion(of string, version int) error {
	if version < 0 || version > 2 {
		return unsent("nexpay: " + of + ".Version is neither 1 nor 2")
	}
	return nil
}
