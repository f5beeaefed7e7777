package nexpaytest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

func form(pairs ...string) (f nexpay.Form) {
	for i := 0; i < len(pairs); i += 2 {
		f = append(f, nexpay.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	return f
}

func TestPaymentFromCreationToEnd(t *testing.T) {
	b, creds := nexpaytest.NewKeyed()
	c := inProcess(t, b, creds)
	require.Zero(t, b.Executed("order-17"))
	require.NoError(t, c.pay(t.Context(), "order-17"))
	require.Equal(t, 1, b.Executed("order-17"))
	require.True(t, last(b).Executed)

	p, err := c.lookup(t.Context(), "order-17")
	require.NoError(t, err)
	require.Equal(t, nexpay.PaymentStatus{PaymentID: "1", Status: nexpay.Pending}, p)
	require.False(t, last(b).Executed)
	require.True(t, b.SetStatus("order-17", nexpay.Rejected, "no funds"))
	require.False(t, b.SetStatus("order-18", nexpay.Rejected, ""))
	c.n++
	p, err = c.PaymentByClientID(withNonce(t.Context(), c.n), 1)
	require.NoError(t, err)
	require.Equal(t, nexpay.PaymentStatus{PaymentID: "1", Status: nexpay.Rejected, RejectReason: "no funds"}, p)

	all := b.Payments()
	require.Len(t, all, 1)
	require.Equal(t, creds.Key, all[0].Key)
	require.Equal(t, order(t, "order-17", "10"), all[0].Fields, "all but the signature")
	all[0].Fields[0].Value = "changed"
	require.NotEqual(t, "changed", b.Payments()[0].Fields[0].Value, "a copy")
}

func TestDuplicates(t *testing.T) {
	b := bank(t, nexpaytest.Config{})
	c := inProcess(t, b, someKey.Credentials())
	f := order(t, "a", "1")
	for range 2 {
		require.NoError(t, c.call(t.Context(), "POST", paymentsPath, f, new(any)))
	}
	require.Equal(t, 2, b.Executed("a"), "it is no idempotency key")

	b = bank(t, nexpaytest.Config{RefuseDuplicates: true})
	c = inProcess(t, b, someKey.Credentials())
	require.NoError(t, c.call(t.Context(), "POST", paymentsPath, f, new(any)))
	got, status := code(c.call(t.Context(), "POST", paymentsPath, f, new(any)))
	require.EqualValues(t, "30000", got)
	require.Equal(t, 400, status)
	require.Equal(t, 1, b.Executed("a"))
	for range 2 {
		require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, "", "1"), new(any)), "no id, no duplicate")
	}
}

// The fields of a payment are those of another API here; see TestFieldsOfAPayment.
func TestParameters(t *testing.T) {
	const reschedule, cancel = paymentsPath + "/reschedule", paymentsPath + "/cancel-scheduled"
	soon := time.Now().Add(time.Hour)
	for _, tt := range []struct {
		name, method, path string
		form               nexpay.Form
		code               classify.Code // 0: accepted
		data               string
	}{
		{"pay", "POST", paymentsPath, form("amount", "0.01", "clientPaymentId", "7", "anything", "goes"), "", ""},
		{"pay, nothing", "POST", paymentsPath, nil, "30000", "the payment is empty"},
		{"pay, no number", "POST", paymentsPath, form("amount", "ten"), "30010", "amount"},
		{"pay, negative", "POST", paymentsPath, form("amount", "-1"), "30010", "amount"},
		{"pay, zero", "POST", paymentsPath, form("amount", "0.00"), "30010", "amount"},
		{"pay, client id", "POST", paymentsPath, form("clientPaymentId", "x"), "30010", "clientPaymentId"},
		{"pay, field twice", "POST", paymentsPath, form("amount", "1", "amount", "2"), "30010", "amount"},
		{"lookup", "GET", lookupPath, form("externalPaymentId", "known"), "", ""},
		{"lookup, client id", "GET", lookupPath, form("clientPaymentId", "99"), "", ""},
		{"lookup, payment id", "GET", lookupPath, form("clientPaymentId", "1"), "", ""},
		{"lookup, none", "GET", lookupPath, nil, "20000", ""},
		{"lookup, empty", "GET", lookupPath, form("externalPaymentId", ""), "20000", ""},
		{"lookup, both", "GET", lookupPath, form("externalPaymentId", "known", "clientPaymentId", "1"), "20010", ""},
		{"lookup, no number", "GET", lookupPath, form("clientPaymentId", "x"), "30010", "clientPaymentId"},
		{"lookup, twice", "GET", lookupPath, form("externalPaymentId", "known", "externalPaymentId", "known"), "30010", "externalPaymentId"},
		{"lookup, unknown", "GET", lookupPath, form("externalPaymentId", "other"), "30000", "payment not found"},
		{"lookup, zero", "GET", lookupPath, form("clientPaymentId", "0"), "30000", "payment not found"},
		{"reschedule", "POST", reschedule, form("externalPaymentId", "known", "executionTime", soon.Format(time.RFC3339)), "", ""},
		{"reschedule, ms", "POST", reschedule, form("clientPaymentId", "99", "executionTime", "99999999999999"), "", ""},
		{"reschedule, none", "POST", reschedule, form("executionTime", "99999999999999"), "20000", ""},
		{"reschedule, both", "POST", reschedule, form("externalPaymentId", "known", "clientPaymentId", "1"), "20010", ""},
		{"reschedule, no time", "POST", reschedule, form("externalPaymentId", "known"), "20120", ""},
		{"reschedule, bad time", "POST", reschedule, form("externalPaymentId", "known", "executionTime", "soon"), "20120", ""},
		{"reschedule, past", "POST", reschedule, form("externalPaymentId", "known", "executionTime", "1000"), "20120", ""},
		{"reschedule, done", "POST", reschedule, form("externalPaymentId", "done", "executionTime", "99999999999999"), "30000", "the payment is not pending"},
		{"cancel", "POST", cancel, form("externalPaymentId", "known"), "", ""},
		{"cancel, unknown", "POST", cancel, form("externalPaymentId", "other"), "30000", "payment not found"},
		{"cancel, none", "POST", cancel, nil, "20000", ""},
		{"status", "GET", statusPath, nil, "", ""},
		{"history", "GET", "/api/1/eurowallet/payments/history", nil, "", ""},
		{"commission", "GET", "/api/1/eurowallet/payments/commission", form("amount", "1"), "", ""},
		{"deposit details", "GET", "/api/1/eurowallet/deposit-details", nil, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := bank(t, nexpaytest.Config{AnyFields: true})
			c := inProcess(t, b, someKey.Credentials())
			require.NoError(t, c.call(t.Context(), "POST", paymentsPath, form("externalPaymentId", "known", "clientPaymentId", "99"), new(any)))
			require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, "done", "1"), new(any)))
			b.SetStatus("done", nexpay.Completed, "")
			before := b.Payments()
			err := c.call(t.Context(), tt.method, tt.path, tt.form, nil)
			require.Equal(t, tt.code, last(b).Refusal)
			if tt.code == "" {
				require.NoError(t, err)
				require.Equal(t, tt.method == "POST", last(b).Executed)
				return
			}
			e, ok := errors.AsType[*classify.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tt.code, e.Details[0].Code)
			require.Equal(t, tt.data, e.Details[0].Data)
			require.Equal(t, before, b.Payments(), "a refusal changes nothing")
			require.False(t, last(b).Executed)
		})
	}
}

func TestRescheduleAndCancelAnswerEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bank(t, nexpaytest.Config{})
		c := inProcess(t, b, someKey.Credentials())
		require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, "a", "1"), new(any)))
		when := time.Now().Add(time.Second).UTC().Format(time.RFC3339)
		for _, path := range []string{"/reschedule", "/cancel-scheduled"} {
			c.n++
			req, err := c.NewRequest(withNonce(t.Context(), c.n), "POST", paymentsPath+path, form("externalPaymentId", "a", "executionTime", when))
			require.NoError(t, err)
			require.NoError(t, c.Signer.Sign(req))
			resp, err := b.RoundTripper().RoundTrip(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, 200, resp.StatusCode)
			require.Empty(t, body)
		}
		p, err := c.lookup(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, nexpay.PaymentStatus{PaymentID: "1", Status: nexpay.Rejected, RejectReason: "cancelled", ExecutionTime: when}, p)
		require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, "b", "1"), new(any)))
		time.Sleep(time.Second)
		got, _ := code(c.call(t.Context(), "POST", paymentsPath+"/reschedule", form("externalPaymentId", "b", "executionTime", when), nil))
		require.EqualValues(t, "20120", got, "now is not to come")
	})
}

func TestUnknownPayment(t *testing.T) {
	b := bank(t, nexpaytest.Config{UnknownPayment: nexpaytest.Fault{Status: 404}})
	_, err := inProcess(t, b, someKey.Credentials()).lookup(t.Context(), "x")
	got, status := code(err)
	require.EqualValues(t, "", got)
	require.Equal(t, 404, status)

	b = bank(t, nexpaytest.Config{})
	_, err = inProcess(t, b, someKey.Credentials()).lookup(t.Context(), "x")
	got, status = code(err)
	require.EqualValues(t, "30000", got)
	require.Equal(t, 404, status)
}

func TestPaymentSignature(t *testing.T) {
	key := nexpaytest.Key{ID: "k", Secret: "s", PaymentSecret: "p"}
	b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{key}})
	c := inProcess(t, b, key.Credentials())
	good, err := c.Signer.SignPayment(order(t, "a", "1"))
	require.NoError(t, err)
	last := len(good) - 1
	changed := slices.Clone(good)
	changed[1].Value = "2"
	for name, tt := range map[string]struct {
		form nexpay.Form
		code classify.Code
	}{
		"missing":        {good[:last], "200"},
		"empty":          {append(slices.Clone(good[:last]), nexpay.Field{Name: "transactionSignature"}), "200"},
		"changed":        {changed, "70"},
		"not last":       {append(nexpay.Form{good[last]}, good[:last]...), "70"},
		"of fewer":       {slices.Delete(slices.Clone(good), last-1, last), "70"},
		"alone":          {good[last:], "200"},
		"added to":       {append(slices.Clone(good), nexpay.Field{Name: "x", Value: "y"}), "70"},
		"in upper case":  {append(slices.Clone(good[:last]), nexpay.Field{Name: "transactionSignature", Value: strings.ToUpper(good[last].Value)}), "70"},
		"of other order": {otherOrder(t, c), "70"},
	} {
		got, _ := code(c.call(t.Context(), "POST", paymentsPath, tt.form, new(any)))
		require.Equal(t, tt.code, got, name)
	}
	require.Empty(t, b.Payments())
	require.NoError(t, c.call(t.Context(), "POST", paymentsPath, good, new(any)))
}

// otherOrder is well signed, and not in the vendor's order.
func otherOrder(t *testing.T, c *caller) nexpay.Form {
	f := order(t, "a", "1")
	f[0], f[1] = f[1], f[0]
	signed, err := c.Signer.SignPayment(f)
	require.NoError(t, err)
	return signed
}

func TestNumberIDs(t *testing.T) {
	for _, number := range []bool{false, true} {
		b := bank(t, nexpaytest.Config{NumberIDs: number})
		c := inProcess(t, b, someKey.Credentials())
		var answer struct{ PaymentID json.RawMessage }
		require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, "a", "1"), &answer))
		require.Equal(t, map[bool]string{true: `1`, false: `"1"`}[number], string(answer.PaymentID))
		p, err := c.lookup(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, "1", p.PaymentID)
	}
}

func TestHistoryIsTheKeysOwn(t *testing.T) {
	other := nexpaytest.Key{ID: "k2", Secret: "s2"}
	b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{someKey, other}})
	for _, k := range []nexpaytest.Key{someKey, other} {
		c := inProcess(t, b, k.Credentials())
		require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, k.ID, "1"), new(any)))
		var list struct{ Entries []nexpay.PaymentStatus }
		require.NoError(t, c.call(t.Context(), "GET", "/api/1/eurowallet/payments/history", nil, &list))
		require.Len(t, list.Entries, 1)
	}
}

func TestRoutes(t *testing.T) {
	b := bank(t, nexpaytest.Config{})
	c := inProcess(t, b, someKey.Credentials())
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 404}, {"GET", statusPath + "/", 404}, {"GET", "/api/1//eurowallet/status", 404}, {"GET", "/api/2/eurowallet/status", 404},
		{"POST", statusPath, 405}, {"GET", paymentsPath, 405}, {"HEAD", statusPath, 405},
	} {
		_, status := code(c.call(t.Context(), tt.method, tt.path, nil, nil))
		require.Equal(t, tt.status, status, tt.path)
	}
}

func TestBodiesThatAreNoForm(t *testing.T) {
	b := bank(t, nexpaytest.Config{})
	c := inProcess(t, b, someKey.Credentials())
	send := func(body, contentType string) nexpaytest.Request {
		c.n++
		req, err := http.NewRequestWithContext(withNonce(t.Context(), c.n), "POST", "https://h"+paymentsPath, strings.NewReader(body))
		require.NoError(t, err)
		if err := c.Signer.Sign(req); err != nil {
			req.Header.Set("X-API-KEY", "k")
			req.Header.Set("X-NONCE", "99")
			req.Header.Set("X-Signature", "x")
		}
		if contentType != "" {
			req.Header.Set("Content-Type", contentType)
		}
		resp, err := b.RoundTripper().RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return last(b)
	}
	good := order(t, "", "1").Encode()
	require.EqualValues(t, "70", send(good, "").Code, "signed, and no form to the bank")
	require.EqualValues(t, "70", send(good, "application/json").Code)
	require.Equal(t, 200, send(good, "application/x-www-form-urlencoded; charset=utf-8").Status)
	require.EqualValues(t, "70", send("amount=%zz", "application/x-www-form-urlencoded").Code)
	require.Equal(t, 413, send("a="+strings.Repeat("x", 1<<20), "application/x-www-form-urlencoded").Status)
}

// A replica that lags behind: executed at once, and found later.
func TestVisibleLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := nexpaytest.Key{ID: "k", Secret: "s", PaymentSecret: "p"}
		b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{key}, RefuseDuplicates: true})
		c := inProcess(t, b, key.Credentials())
		b.Script(nexpaytest.Fault{VisibleAfter: 30 * time.Second})
		require.NoError(t, c.pay(t.Context(), "a"))
		require.Equal(t, 1, b.Executed("a"))
		require.Equal(t, 30*time.Second, b.Payments()[0].Visible.Sub(b.Payments()[0].Created))

		history := func() int {
			var answer struct{ Entries []any }
			require.NoError(t, c.call(t.Context(), "GET", paymentsHistory, nil, &answer))
			return len(answer.Entries)
		}
		time.Sleep(30*time.Second - 1)
		_, err := c.lookup(t.Context(), "a")
		got, status := code(err)
		require.EqualValues(t, "30000", got)
		require.Equal(t, 404, status)
		require.Zero(t, history())
		require.Error(t, c.call(t.Context(), "POST", paymentsPath+"/cancel-scheduled", form("externalPaymentId", "a"), nil))
		got, _ = code(c.pay(t.Context(), "a"))
		require.EqualValues(t, "30000", got, "what writes sees everything")

		time.Sleep(time.Nanosecond)
		_, err = c.lookup(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, 1, history())
	})
}

const paymentsHistory = "/api/1/eurowallet/payments/history"
