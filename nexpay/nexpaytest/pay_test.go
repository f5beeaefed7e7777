package nexpaytest_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

const payments1Path = "/api/1/eurowallet/payments"

// full has every field of a payment, in the order of version 2.
var full = form(
	"requestTime", "1700000000000", "account", "LT1", "amount", "10.00", "beneficiaryName", "Somebody",
	"beneficiaryAddress", "Street 1", "beneficiaryAccount", "LT2", "beneficiaryReference", "rent",
	"useGbxForFee", "false", "externalPaymentId", "inv-7",
)

// full1 is that for version 1.
var full1 = append(slices.Clone(full[:7]), full[8], full[7])

func without(f nexpay.Form, names ...string) nexpay.Form {
	return slices.DeleteFunc(slices.Clone(f), func(f nexpay.Field) bool { return slices.Contains(names, f.Name) })
}

// with has another value for a field.
func with(f nexpay.Form, name, value string) nexpay.Form {
	f = slices.Clone(f)
	for i := range f {
		if f[i].Name == name {
			f[i].Value = value
		}
	}
	return f
}

// All of them are well signed, as they are.
func TestFieldsOfAPayment(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		form       nexpay.Form
		code       classify.Code // 0: accepted
		data       string
	}{
		{"all", paymentsPath, full, "", ""},
		{"all, version 1", payments1Path, full1, "", ""},
		{"version 1's order", paymentsPath, full1, "70", "useGbxForFee"},
		{"version 2's order", payments1Path, full, "70", "externalPaymentId"},
		{"mandatory ones", paymentsPath, without(full, "account", "beneficiaryAddress", "useGbxForFee", "externalPaymentId"), "", ""},
		{"one of the last two", paymentsPath, without(full, "useGbxForFee"), "", ""},
		{"the other of the last two", payments1Path, without(full1, "externalPaymentId"), "", ""},
		{"id first", paymentsPath, append(full[8:], full[:8]...), "70", "requestTime"},
		{"account first", paymentsPath, append(nexpay.Form{full[1], full[0]}, full[2:]...), "70", "requestTime"},
		{"address last", paymentsPath, append(without(full, "beneficiaryAddress"), full[4]), "70", "beneficiaryAddress"},
		{"a field of its own", paymentsPath, append(slices.Clone(full), form("currency", "EUR")...), "70", "currency"},
		{"an identifier of the API's", paymentsPath, append(slices.Clone(full), form("clientPaymentId", "7")...), "70", "clientPaymentId"},
		{"another spelling", paymentsPath, append(slices.Clone(full), form("UseGbxForFee", "true")...), "70", "UseGbxForFee"},
		{"nothing", paymentsPath, form("x", "y"), "200", "requestTime, amount, beneficiaryName, beneficiaryAccount, beneficiaryReference"},
		{"no reference", paymentsPath, without(full, "beneficiaryReference"), "200", "beneficiaryReference"},
		{"no reference, version 1", payments1Path, without(full1, "beneficiaryReference"), "200", "beneficiaryReference"},
		{"an empty name", paymentsPath, with(full, "beneficiaryName", ""), "200", "beneficiaryName"},
		{"an empty optional one", paymentsPath, with(full, "account", ""), "", ""},
		{"the fields of another API", paymentsPath,
			form("requestTime", "1700000000000", "externalPaymentId", "inv-7", "iban", "LT2", "receiverName", "Somebody", "amount", "1", "currency", "EUR"),
			"200", "beneficiaryName, beneficiaryAccount, beneficiaryReference"},
		{"a field twice", paymentsPath, append(slices.Clone(full), full[3]), "30010", "beneficiaryName"},
		{"amount no number", paymentsPath, with(full, "amount", "ten"), "30010", "amount"},
		{"amount in groups", paymentsPath, with(full, "amount", "1,000.00"), "30010", "amount"},
		{"amount negative", paymentsPath, with(full, "amount", "-1"), "30010", "amount"},
		{"amount zero", paymentsPath, with(full, "amount", "0.00"), "30010", "amount"},
		{"time as text", paymentsPath, with(full, "requestTime", "2026-03-02T09:00:00Z"), "30010", "requestTime"},
		{"fee as a number", paymentsPath, with(full, "useGbxForFee", "1"), "30010", "useGbxForFee"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, credentials := nexpaytest.NewKeyed()
			c := inProcess(t, b, credentials)
			signed, err := c.Signer.SignPayment(tt.form)
			require.NoError(t, err)
			err = c.call(t.Context(), "POST", tt.path, signed, new(any))
			require.Equal(t, tt.code, last(b).Code)
			if tt.code == "" {
				require.NoError(t, err)
				require.Equal(t, tt.form, b.Payments()[0].Fields)
				return
			}
			e, ok := errors.AsType[*classify.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tt.data, e.Details[0].Data)
			require.Equal(t, classify.NotApplied, classify.Nexpay().Classify(err).Effect)
			require.Empty(t, b.Payments())

			free := bank(t, nexpaytest.Config{AnyFields: true})
			c = inProcess(t, free, someKey.Credentials())
			got, _ := code(c.call(t.Context(), "POST", tt.path, signed, new(any)))
			refused := tt.data == "amount" || tt.data == "clientPaymentId" && tt.code == "30010" || tt.name == "a field twice"
			require.Equal(t, refused, got == "30010", "a bank for other APIs looks at the amount, and takes the rest")
			require.Equal(t, !refused, got == "")
		})
	}
}

// A key without a second secret asks for no second signature, and takes one.
func TestSecondSignatureIsNotAskedFor(t *testing.T) {
	b := bank(t, nexpaytest.Config{})
	c := inProcess(t, b, someKey.Credentials())
	require.NoError(t, c.call(t.Context(), "POST", paymentsPath, full, new(any)))
	signed := append(slices.Clone(full), form("transactionSignature", "whatever")...)
	require.NoError(t, c.call(t.Context(), "POST", paymentsPath, signed, new(any)))
	require.Equal(t, full, b.Payments()[1].Fields)
}
