package nexpaytest

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/nexpay"
)

// createPayment is the call of that API version.
func createPayment(version int) serving {
	return func(b *Bank, k *Key, c *call) (any, bool, refusal) {
		external, _ := c.form.Get("externalPaymentId")
		r := b.checkPayment(k, c.form, version)
		if r == (refusal{}) && b.config.RefuseDuplicates && external != "" && b.ledger.times(external) > 0 {
			r = refusal{codeRequest, "externalPaymentId was used before"}
		}
		if r != (refusal{}) {
			return nil, false, r
		}
		p := b.ledger.pay(k.ID, c.form, time.Now(), c.lag)
		return b.describe(p), true, refusal{}
	}
}

// checkPayment checks fields, order, signature and values, in this order.
func (b *Bank) checkPayment(k *Key, f nexpay.Form, version int) refusal {
	if name := twice(f); name != "" {
		return refusal{codeParameter, name}
	}
	if !b.config.AnyFields {
		if names := missing(k, f); names != "" {
			return refusal{codeMandatory, names}
		}
		if name := misplaced(f, version); name != "" {
			return refusal{codeWrongSignature, name}
		}
	}
	switch {
	case len(f) == 0:
		return refusal{codeRequest, "the payment is empty"}
	case !k.paymentSigned(f):
		return refusal{codeWrongSignature, signatureField}
	}
	for _, field := range f {
		if !b.well(field) {
			return refusal{codeParameter, field.Name}
		}
	}
	return refusal{}
}

// missing returns the name of the first mandatory field that is missing or empty.
func missing(k *Key, f nexpay.Form) string {
	names := []string{"requestTime", "amount", "beneficiaryName", "beneficiaryAccount", "beneficiaryReference"}
	if k.PaymentSecret != "" {
		names = append(names, signatureField)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		value, _ := f.Get(name)
		return value != ""
	})
	return strings.Join(names, ", ")
}

// fieldOrder is that of a new payment, version 2.
var fieldOrder = []string{
	"requestTime", "account", "amount", "beneficiaryName", "beneficiaryAddress", "beneficiaryAccount",
	"beneficiaryReference", "useGbxForFee", "externalPaymentId", signatureField,
}

// misplaced returns the name of the first field that is unknown, or in the wrong
// place.
func misplaced(f nexpay.Form, version int) string {
	order := slices.Clone(fieldOrder)
	if version == 1 {
		last := len(order) - 2
		order[last-1], order[last] = order[last], order[last-1]
	}
	for _, field := range f {
		at := slices.Index(order, field.Name)
		if at < 0 {
			return field.Name
		}
		order = order[at+1:]
	}
	return ""
}

var (
	decimal = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,8})?$`)
	integer = regexp.MustCompile(`^[0-9]{1,18}$`)
)

// well reports whether the value is valid for the field's name.
func (b *Bank) well(f nexpay.Field) bool {
	switch {
	case f.Name == "amount":
		return decimal.MatchString(f.Value) && strings.Trim(f.Value, "0.") != ""
	case f.Name == "clientPaymentId", f.Name == "requestTime" && !b.config.AnyFields:
		return integer.MatchString(f.Value)
	case f.Name == "useGbxForFee" && !b.config.AnyFields:
		return f.Value == "true" || f.Value == "false"
	}
	return true
}

// twice returns the name of a field that occurs twice, or "".
func twice(f nexpay.Form) string {
	seen := make(map[string]bool, len(f))
	for _, field := range f {
		if seen[field.Name] {
			return field.Name
		}
		seen[field.Name] = true
	}
	return ""
}
