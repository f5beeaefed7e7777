package nexpay_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
)

// Of a length that real ones have.
var long = nexpay.Credentials{Key: "a1B2c3D4e5F60718293a4b5c6d7e8f90", Secret: "s3cret"}

var payee = nexpay.Form{
	{Name: "beneficiaryAccount", Value: "DE89370400440532013000"},
	{Name: "name", Value: "Jörg Müller & Söhne"},
}

// echoed is the error that a client makes of an answer to a POST of payee, with
// what the request tells that answer.
func echoed(t *testing.T, answer func(key, signature, body string) (message, trace string)) *classify.Error {
	t.Helper()
	c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		message, trace := answer(req.Header.Get("X-API-KEY"), req.Header.Get("X-Signature"), payee.Encode())
		text, err := json.Marshal(map[string]any{"errors": []any{map[string]any{"code": 30010, "message": message}}, "traceId": trace})
		require.NoError(t, err)
		return reply(400, string(text))(req)
	}))
	c.Signer = signer(t, long)
	req, err := c.NewRequest(withNonce(t.Context(), 7), http.MethodPost, "/x", payee)
	require.NoError(t, err)
	e, ok := errors.AsType[*classify.Error](c.Do(req, nil))
	require.True(t, ok)
	return e
}

// However an answer spells what the request held.
func TestEchoesInAnySpelling(t *testing.T) {
	for name, tt := range map[string]struct {
		message func(key, signature, body string) string
		want    string
	}{
		"signature in capitals": {func(_, s, _ string) string { return "Wrong " + strings.ToUpper(s) }, "Wrong […]"},
		"key in capitals":       {func(k, _, _ string) string { return "No key " + strings.ToUpper(k) + "!" }, "No key […]!"},
		"key in small letters":  {func(k, _, _ string) string { return "No key " + strings.ToLower(k) }, "No key […]"},
		"without its beginning": {func(_, s, _ string) string { return "Wrong …" + s[1:] }, "Wrong …[…]"},
		"without its end":       {func(_, s, _ string) string { return "Wrong " + s[:127] + "…" }, "Wrong […]…"},
		"sixteen of it":         {func(_, s, _ string) string { return "Wrong " + s[40:56] + " there" }, "Wrong […] there"},
		"cut in two":            {func(_, s, _ string) string { return s[:64] + " " + s[64:] }, "[…]"},
		"the end cut off":       {func(_, s, _ string) string { return strings.Repeat("x ", 122) + s }, strings.Repeat("x ", 122) + "[…]"},
		"IBAN in groups":        {func(_, _, _ string) string { return "Invalid DE89 3704 0044 0532 0130 00." }, "Invalid […]."},
		"IBAN, masked":          {func(_, _, _ string) string { return "Invalid de89-3704-0044-0532-****" }, "Invalid […]-****"},
		"the body":              {func(_, _, b string) string { return "Bad " + b }, "Bad beneficiaryAccount=[…]&name=[…]"},
		"spaces as %20":         {func(_, _, b string) string { return strings.ReplaceAll(b, "+", "%20") }, "beneficiaryAccount=[…]&name=[…]"},
		"small hexadecimals":    {func(_, _, b string) string { return strings.ToLower(b) }, "beneficiaryaccount=[…]&name=[…]"},
		"encoded twice":         {func(_, _, b string) string { return "Bad " + url.QueryEscape(b) }, "Bad beneficiaryAccount%3D[…]%26name%3D[…]"},
		"every byte encoded":    {func(k, _, _ string) string { return "Key " + everyByte(k) }, "Key […]"},
		"entities":              {func(_, _, _ string) string { return "Bad " + html.EscapeString(payee[1].Value) }, "Bad […]"},
		"entities of all kinds": {func(_, _, _ string) string { return "Bad J&ouml;rg M&#252;ller &#x26; S&#XF6;hne?" }, "Bad […]?"},
		"cut inside an escape":  {func(_, _, _ string) string { return strings.Repeat("x ", 116) + url.QueryEscape(payee[1].Value) }, strings.Repeat("x ", 116) + "[…]"},
		"no echo":               {func(_, _, _ string) string { return "Only 100% of DE89 are allowed & no more" }, "Only 100% of DE89 are allowed & no more"},
	} {
		t.Run(name, func(t *testing.T) {
			e := echoed(t, func(key, signature, body string) (string, string) { return tt.message(key, signature, body), "5f2c" })
			require.Equal(t, tt.want, e.Details[0].Message)
			require.Equal(t, "5f2c", e.TraceID)
		})
	}
}

func everyByte(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

func TestEchoesInATraceID(t *testing.T) {
	for _, tt := range []struct{ trace, want string }{
		{"DE89370400440532013000", "[…]"}, {"t-de89.3704.0044.0532.0130.00-x", "t-[…]-x"}, {long.Key, "[…]"},
	} {
		e := echoed(t, func(string, string, string) (string, string) { return "m", tt.trace })
		require.Equal(t, tt.want, e.TraceID)
	}
}

// A request that is made by hand may hold a query without names, and headers of
// the caller's own.
func TestEchoesOfRequestsMadeByHand(t *testing.T) {
	c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		text, err := json.Marshal("Bad " + req.URL.RawQuery + ", " + req.Header.Get("Authorization") + ", " + strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ") +
			", " + req.Header.Get("X-Gateway-Token") + ", " + req.Header.Get("X-Request-Id"))
		require.NoError(t, err)
		return reply(400, `{"errors":[{"code":30010,"message":`+string(text)+`}],"traceId":"`+req.Header.Get("X-Request-Id")+`"}`)(req)
	}))
	req, err := http.NewRequestWithContext(withNonce(t.Context(), 7), http.MethodGet, "https://bank.test/x", nil)
	require.NoError(t, err)
	req.URL.RawQuery = "note=100%25&beneficiaryAccount=DE89370400440532013000&LT121000011101001000"
	req.Header.Set("Authorization", "Bearer gateway-9")
	req.Header.Set("X-Gateway-Token", "zzzzzzzz")
	req.Header.Set("X-Request-Id", "request-4711-0815")
	e, ok := errors.AsType[*classify.Error](c.Do(req, nil))
	require.True(t, ok)
	require.Equal(t, "Bad note=100%25&beneficiaryAccount=[…]&[…], […], […], […], request-4711-0815", e.Details[0].Message)
	require.Equal(t, "request-4711-0815", e.TraceID, "what callers send so as to find it again")

	req, err = http.NewRequestWithContext(withNonce(t.Context(), 8), http.MethodGet, "https://bank.test/x", nil)
	require.NoError(t, err)
	req.SetBasicAuth("me", "pass-word-1")
	e, ok = errors.AsType[*classify.Error](client(t, reply(401, `{"errors":[{"code":1,"message":"no pass-word-1"}]}`)).Do(req, nil))
	require.True(t, ok)
	require.Equal(t, "no […]", e.Details[0].Message)
}

// What a payment's status says is printed and logged as well.
func TestPaymentStatusWithoutEchoes(t *testing.T) {
	lookup := func(answer func(key, signature string) string) (nexpay.PaymentStatus, error) {
		c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			return reply(200, answer(req.Header.Get("X-API-KEY"), req.Header.Get("X-Signature")))(req)
		}))
		c.Signer = signer(t, long)
		return c.PaymentByExternalID(withNonce(t.Context(), 7), "order-12345678")
	}
	p, err := lookup(func(key, signature string) string {
		return `{"paymentId":"order-12345678","status":"REJECTED","rejectReason":"order-12345678, key ` + strings.ToUpper(key) + `","executionTime":"` + signature[:20] + `"}`
	})
	require.NoError(t, err)
	require.Equal(t, nexpay.PaymentStatus{PaymentID: "order-12345678", Status: nexpay.Rejected, RejectReason: "order-12345678, key […]", ExecutionTime: "[…]"}, p)

	for _, id := range []func(key, signature string) string{
		func(key, _ string) string { return key },
		func(_, signature string) string { return "p-" + strings.ToUpper(signature[64:]) },
	} {
		p, err := lookup(func(key, signature string) string {
			return `{"paymentId":"` + id(key, signature) + `","status":"COMPLETED"}`
		})
		require.ErrorContains(t, err, "paymentId contains the key or a signature")
		require.Zero(t, p)
		v := classify.Nexpay().Classify(err)
		require.Equal(t, classify.Retryable, v.Class)
		require.Equal(t, classify.Unknown, v.Effect)
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "err", err)
		require.NotContains(t, strings.ToLower(log.String()), strings.ToLower(long.Key))
	}
}

// The same of a payment that is created or verified.
func TestPaymentWithoutEchoes(t *testing.T) {
	answer := func(id, reason string) func(*http.Request, string) string {
		return func(req *http.Request, body string) string {
			return strings.NewReplacer("KEY", req.Header.Get("X-API-KEY"), "ORDER", body[max(len(body)-64, 0):]).Replace(
				`{"paymentId":"` + id + `","status":"REJECTED","rejectReason":"` + reason + `"}`)
		}
	}
	payment := func(answer func(*http.Request, string) string) nexpay.Payment {
		c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(req.Body)
			return reply(200, answer(req, string(body)))(req)
		}))
		c.Signer = signer(t, nexpay.Credentials{Key: long.Key, Secret: long.Secret, PaymentSecret: "p"})
		order, err := c.Signer.SignPayment(nexpay.Form{{Name: "externalPaymentId", Value: "order-17"}})
		require.NoError(t, err)
		return nexpay.Payment{Client: c, ExternalID: "order-17", Order: order}
	}
	ctx := withNonce(t.Context(), 7)
	status, err := payment(answer("1", "KEY ORDER")).Send(ctx)
	require.NoError(t, err)
	require.Equal(t, "[…] […]", status.RejectReason)
	_, err = payment(answer("ORDER", "")).Send(ctx)
	require.ErrorContains(t, err, "paymentId contains")

	status, outcome, err := payment(answer("1", "KEY")).Verify(ctx)
	require.NoError(t, err)
	require.Equal(t, classify.Applied, outcome)
	require.Equal(t, "[…]", status.RejectReason)
	status, outcome, err = payment(answer("KEY", "")).Verify(ctx)
	require.ErrorContains(t, err, "paymentId contains")
	require.Equal(t, classify.Undecided, outcome)
	require.Zero(t, status)
}

// FuzzEchoes blots any answer to any value: nothing breaks, and the value is gone.
func FuzzEchoes(f *testing.F) {
	f.Add("DE89370400440532013000", "Invalid DE89370400440532013000", "a")
	f.Add("Jörg Müller & Söhne", "J%c3%b6rg+M%25C3%25BCller &amp; S&ouml;hne %", "%4")
	f.Add("İstanbul İstanbul", "İSTANBUL istanbul", "\xff")
	f.Add("&&&&&&&&&&", "&#;&;&#x;&lt", "%%%")
	f.Fuzz(func(t *testing.T, value, message, tail string) {
		text, err := json.Marshal(message + value + tail)
		require.NoError(t, err)
		c := client(t, reply(400, `{"errors":[{"code":30010,"message":`+string(text)+`}]}`))
		req, err := c.NewRequest(withNonce(t.Context(), 7), http.MethodPost, "/x", nexpay.Form{{Name: "v", Value: value}})
		require.NoError(t, err)
		e, ok := errors.AsType[*classify.Error](c.Do(req, nil))
		require.True(t, ok)
		require.True(t, utf8.ValidString(e.Details[0].Message))
		if len(strings.ToValidUTF8(value, "")) >= 8 {
			require.NotContains(t, e.Details[0].Message, value)
		}
	})
}

// A code that the API does not have may be anything; one that it has stays, whatever the request holds.
func TestEchoesInCodes(t *testing.T) {
	for name, tt := range map[string]struct {
		code func(key, signature string) string
		want classify.Code
	}{
		"the key":          {func(key, _ string) string { return key }, "[…]"},
		"the signature":    {func(_, signature string) string { return "no_" + signature[:100] }, "no_[…]"},
		"one of the API's": {func(string, string) string { return "30010" }, "30010"},
		"an unknown one":   {func(string, string) string { return "card_declined" }, "card_declined"},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
				text, err := json.Marshal(map[string]any{"errors": []any{map[string]any{
					"code": tt.code(req.Header.Get("X-API-KEY"), req.Header.Get("X-Signature")),
				}}})
				require.NoError(t, err)
				return reply(400, string(text))(req)
			}))
			c.Signer = signer(t, long)
			req, err := c.NewRequest(withNonce(t.Context(), 7), http.MethodPost, "/x", nexpay.Form{{Name: "amount", Value: "30010"}})
			require.NoError(t, err)
			err = c.Do(req, nil)
			e, ok := errors.AsType[*classify.Error](err)
			require.True(t, ok)
			require.Equal(t, tt.want, e.Details[0].Code)
			require.NotContains(t, fmt.Sprint(err, classify.Nexpay().Classify(err)), long.Key)
		})
	}
}
