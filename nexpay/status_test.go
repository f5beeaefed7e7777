package nexpay_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
)

func TestPaymentLookup(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		want         nexpay.PaymentStatus
	}{
		{"number", `{"paymentId":42,"status":"PENDING"}`, nexpay.PaymentStatus{PaymentID: "42", Status: nexpay.Pending}},
		{"text", `{"paymentId":"p-42","status":"COMPLETED","executionTime":"2026-01-01"}`,
			nexpay.PaymentStatus{PaymentID: "p-42", Status: nexpay.Completed, ExecutionTime: "2026-01-01"}},
		{"big number", `{"paymentId":12345678901234567890123,"status":"PENDING"}`, nexpay.PaymentStatus{PaymentID: "12345678901234567890123", Status: nexpay.Pending}},
		{"rejected", `{"paymentId":1,"status":"REJECTED","rejectReason":"no\nfunds","executionTime":1700000000000}`,
			nexpay.PaymentStatus{PaymentID: "1", Status: nexpay.Rejected, RejectReason: "nofunds", ExecutionTime: "1700000000000"}},
		{"nulls", `{"paymentId":1,"status":"PENDING","rejectReason":null,"executionTime":null}`, nexpay.PaymentStatus{PaymentID: "1", Status: nexpay.Pending}},
		{"optional fields unreadable", `{"paymentId":1,"status":"COMPLETED","rejectReason":{},"executionTime":[1]}`, nexpay.PaymentStatus{PaymentID: "1", Status: nexpay.Completed}},
		{"status yet unknown", `{"paymentId":1,"status":"ON_HOLD","new":true}`, nexpay.PaymentStatus{PaymentID: "1", Status: "ON_HOLD"}},
		{"the same twice", `{"paymentId":1,"status":"PENDING","paymentId":1,"status":"PENDING"}`, nexpay.PaymentStatus{PaymentID: "1", Status: nexpay.Pending}},
		{"two reasons", `{"paymentId":1,"status":"REJECTED","rejectReason":"a","rejectReason":"b"}`, nexpay.PaymentStatus{PaymentID: "1", Status: nexpay.Rejected}},
		{"keys are exact", `{"paymentId":1,"PAYMENTID":2,"status":"PENDING","Status":"COMPLETED"}`, nexpay.PaymentStatus{PaymentID: "1", Status: nexpay.Pending}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := client(t, reply(200, tt.answer)).PaymentByExternalID(withNonce(t.Context(), 1), "x")
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			again, err := json.Marshal(got)
			require.NoError(t, err)
			var back nexpay.PaymentStatus
			require.NoError(t, json.Unmarshal(again, &back))
			require.Equal(t, got, back)
		})
	}
}

// None of these says that there is a payment: retryable, and nothing is known.
func TestPaymentLookupUnreadable(t *testing.T) {
	for _, answer := range []string{
		``, `null`, `[]`, `"COMPLETED"`, `{}`, `{"status":"COMPLETED"}`, `{"status":"OK"}`, `{"paymentId":1}`,
		`{"paymentId":null,"status":"PENDING"}`, `{"paymentId":"","status":"PENDING"}`, `{"paymentId":1.5,"status":"PENDING"}`,
		`{"paymentId":1e3,"status":"PENDING"}`, `{"paymentId":-1,"status":"PENDING"}`, `{"paymentId":true,"status":"PENDING"}`,
		`{"paymentId":"a\nb","status":"PENDING"}`, `{"paymentId":1,"status":""}`, `{"paymentId":1,"status":7}`,
		`{"paymentId":1,"status":"completed"}`, `{"paymentId":1,"status":"A\nB"}`, `{"paymentId":1,"status":"` + strings.Repeat("A", 65) + `"}`,
		`{"paymentId":1,"paymentId":2,"status":"PENDING"}`, `{"paymentId":1,"status":"PENDING","status":"REJECTED"}`,
		`{"paymentId":"` + strings.Repeat("1", 257) + `","status":"PENDING"}`, `<html>`, `{"paymentId":1,"status":"PENDING"} x`,
	} {
		got, err := client(t, reply(200, answer)).PaymentByClientID(withNonce(t.Context(), 1), 1)
		require.Error(t, err, answer)
		require.Zero(t, got)
		verdict := classify.Nexpay().Classify(err)
		require.Equal(t, classify.Fatal, verdict.Class, "%s: the next one would be the same", answer)
		require.Equal(t, classify.Unknown, verdict.Effect, answer)
	}
}

func TestPaymentLookupAsksWithOneIdentifier(t *testing.T) {
	var asked string
	c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		asked = req.Method + " " + req.URL.RequestURI()
		return reply(200, `{"paymentId":1,"status":"PENDING"}`)(req)
	}))
	_, err := c.PaymentByExternalID(withNonce(t.Context(), 1), "order-17")
	require.NoError(t, err)
	require.Equal(t, "GET /api/1/eurowallet/payments/status?externalPaymentId=order-17", asked)
	_, err = c.PaymentByClientID(withNonce(t.Context(), 1), 42)
	require.NoError(t, err)
	require.Equal(t, "GET /api/1/eurowallet/payments/status?clientPaymentId=42", asked)
	asked = ""
	_, err = c.PaymentByExternalID(withNonce(t.Context(), 1), "")
	require.ErrorContains(t, err, "externalPaymentId is empty")
	require.Empty(t, asked)
}

func FuzzPaymentStatus(f *testing.F) {
	for _, seed := range []string{
		`{"paymentId":42,"status":"PENDING"}`, `{"paymentId":"a","status":"REJECTED","rejectReason":"x","executionTime":1e9}`,
		`{"paymentId":"\u0000","status":"A"}`, `{"paymentId":1,"paymentId":2,"status":"A"}`, `null`, `{"status":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := nexpay.PaymentStatus{PaymentID: "kept"}
		p := before
		if err := json.Unmarshal(data, &p); err != nil {
			require.Equal(t, before, p, "an error changes nothing")
			require.Less(t, len(err.Error()), 300)
			return
		}
		if string(data) == "null" || p == before {
			return
		}
		require.NotEmpty(t, p.PaymentID)
		require.Regexp(t, `^[A-Z_]{1,64}$`, string(p.Status))
		require.LessOrEqual(t, len(p.RejectReason), 260)
		for _, s := range []string{p.PaymentID, p.RejectReason, p.ExecutionTime} {
			require.NotContains(t, s, "\n")
		}
		raw, err := json.Marshal(p)
		require.NoError(t, err)
		var back nexpay.PaymentStatus
		require.NoError(t, json.Unmarshal(raw, &back))
		require.Equal(t, p, back)
	})
}
