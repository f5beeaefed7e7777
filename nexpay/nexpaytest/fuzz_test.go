package nexpaytest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// Whatever is sent, the bank answers; what it executes it was asked for with a
// good signature; and any body that the signer signs, it accepts as signed.
func FuzzRequest(f *testing.F) {
	f.Add("POST", "/api/2/eurowallet/payments", "", "requestTime=1&amount=1&beneficiaryName=a+b&beneficiaryAccount=c&beneficiaryReference=%C3%A9&transactionSignature=x", true)
	f.Add("POST", "/api/1/eurowallet/payments", "", "requestTime=1&amount=1&beneficiaryName=a&beneficiaryAccount=c&beneficiaryReference=d&iban=x", true)
	f.Add("GET", "/api/1/eurowallet/payments/history", "fromDate=2026-01-01&toDate=2025-13-01&account=a+b", "", true)
	f.Add("GET", "/api/1/nexpay/payments", "externalPaymentId=a%26b", "", true)
	f.Add("GET", "/api/1/eurowallet/batch/status", "reference=a&&%", "", true)
	f.Add("POST", "/api/2/eurowallet/payments", "", "a=%zz", true)
	f.Add("POST", "/api/2/eurowallet/payments/reschedule", "", "externalPaymentId=a&executionTime=9999999999999", true)
	f.Add("GET", "/api/1/eurowallet/payments/status", "externalPaymentId=x+y%20z", "", true)
	f.Add("GET", "/api/1/eurowallet/payments/status", "clientPaymentId=99999999999999999999&%zz", "", false)
	f.Add("HEAD", "/%2e%2e/", "?", "&&=", false)
	f.Fuzz(func(t *testing.T, method, path, query, body string, sign bool) {
		b, creds := nexpaytest.NewKeyed()
		signer, err := nexpay.NewSigner(creds)
		require.NoError(t, err)
		req := (&http.Request{
			Method: method, URL: &url.URL{Scheme: "https", Host: "h", Path: path, RawQuery: query},
			Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(body))),
		}).WithContext(withNonce(t.Context(), 1))
		req.Header.Set("X-API-KEY", creds.Key)
		req.Header.Set("X-NONCE", "1")
		req.Header.Set("X-Signature", body)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		signed := sign && signer.Sign(req) == nil
		resp, err := b.RoundTripper().RoundTrip(req)
		require.NoError(t, err)
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, resp.ContentLength, int64(len(answer)))
		got := last(b)
		require.Equal(t, resp.StatusCode, got.Status)
		if !signed {
			require.False(t, got.Executed)
		}
		if signed && got.Code == "70" { // not the request's signature: a payment's fields, or its own signature
			require.Contains(t, []string{"/api/1/eurowallet/payments", "/api/2/eurowallet/payments"}, got.Path)
			require.Contains(t, string(answer), `"data"`)
		}
	})
}
