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

// An Order describes a new payment. [Signer.SignOrder] writes its fields in the order
// that the vendor calls strict, and signs them. Fields not marked "required" may be
// empty; they are then not sent.
//
// Amount is decimal text because a float64 cannot represent 0.10 exactly, and because
// the text is what is signed.
type Order struct {
	RequestTime          time.Time // when the payment was ordered; sent in milliseconds since 1970; required
	Account              string    // the IBAN to pay from; empty: the API key's default account
	Amount               string    // in euros: digits, with at most two decimals after a "."; above 0; required
	BeneficiaryName      string    // required
	BeneficiaryAddress   string
	BeneficiaryAccount   string // the IBAN to pay to; required
	BeneficiaryReference string // required
	UseGBXForFee         *bool  // whether to pay the fee in GBX tokens; nil: not sent, the API decides
	ExternalPaymentID    string // the caller's own id; without it the payment cannot be looked up

	// Version is the version of the call that creates the payment: 2, or 1, which
	// swaps the last two fields. Zero: 2. The [Payment] must have the same Version.
	Version int
}

// SignOrder returns the order as the form that [Client.CreatePayment] and [Payment]
// send: as [Order.Form] returns it, signed as by [Signer.SignPayment]. Its error
// lists all problems of the order and of the signer.
func (s *Signer) SignOrder(o Order) (Form, error) {
	form, wrong := o.Form()
	if wrong != nil {
		return nil, errors.Join(wrong, s.canSignPayments())
	}
	return s.SignPayment(form)
}

// Form returns the fields as they are sent, unsigned. Its error lists all problems
// and quotes no value.
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

// An orderField is one field of an Order in the form that is sent.
type orderField struct {
	name, wire, value string
	required          bool
	well              func(string) bool // nil: any text is valid
	how               string            // what well requires, in words
}

// fields returns all fields, in the order of the version.
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
		{name: "Amount", wire: "amount", value: o.Amount, required: true, well: euros, how: `euros above 0, as digits with at most two decimals after a "."`},
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

// check reports what is wrong with the field. White space around a value is treated
// as a mistake: it would be signed, and it is not known how the server treats it.
func (f orderField) check() error {
	switch {
	case f.value == "" && f.required:
		return unsent("nexpay: Order." + f.name + " is missing")
	case !utf8.ValidString(f.value) || strings.ContainsFunc(f.value, unicode.IsControl):
		return unsent("nexpay: Order." + f.name + " has a line end or another control character, or is not UTF-8")
	case strings.TrimSpace(f.value) != f.value:
		return unsent("nexpay: Order." + f.name + " begins or ends with white space")
	case f.value != "" && f.well != nil && !f.well(f.value):
		return unsent("nexpay: Order." + f.name + " is not " + f.how)
	}
	return nil
}

// checkVersion refuses unknown versions.
func checkVersion(of string, version int) error {
	if version < 0 || version > 2 {
		return unsent("nexpay: " + of + ".Version is neither 1 nor 2")
	}
	return nil
}
