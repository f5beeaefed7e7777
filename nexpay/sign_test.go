package nexpay_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nonce"
)

const paymentWire = "requestTime=1700000000000&externalPaymentId=order-17&amount=10.50&currency=EUR&comment=rent+for+May+%26+June%3Dok+%C3%A9%2B"

var paymentForm = nexpay.Form{
	{Name: "requestTime", Value: "1700000000000"}, {Name: "externalPaymentId", Value: "order-17"}, {Name: "amount", Value: "10.50"},
	{Name: "currency", Value: "EUR"}, {Name: "comment", Value: "rent for May & June=ok é+"},
}

// The constants are openssl's; TEXT is what the comment says.
func TestSignGolden(t *testing.T) {
	const (
		// AK-1&1700000000000001/api/1/eurowallet/status
		status = "0d352c6d4a742d1b52527b40bbd227bd3758ca8916bcbd7ab764f1ce140425019f57240a9d241022d505849b7ec714aa9b2627889ba7d24ed2505371cd01a1f1"
		// AK-1&1700000000000002/api/1/eurowallet/payments/status?externalPaymentId=order-17
		lookup = "93ed262f6895d44006d2271081b86d1d3fe38b9a86da27561f57abc4c02fa0c46a8aba56887cd13a754c73b2ada9f750a27ed6b7400315262610ffd40b5ca156"
		// AK-1&1700000000000003/api/2/eurowallet/payments?requestTime=1700000000000&externalPaymentId=order-17&amount=10.50&currency=EUR&comment=rent for May & June=ok é+
		payment = "d0b352b87f860c8eb6329672c9a5361fd8e116a6a599a00f2fa8707bfeb93bb66836e35eda5762b080d906027a0915990edf78972bcef287f20613fcd0b503a7"
		// AK-1&1700000000000005/api/1/eurowallet/payments/status?externalPaymentId=order 17
		plain = "d549df8739799f969b0b08437db75ee2f9ad919419a0de43637d43e73fc5cf391bbd27c434d3aa80caa6408c457cb4b8779d1cbb1802c90d93354525ad181e08"
		// AK-1&1700000000000006/api/1/eurowallet/payments/status?externalPaymentId=50% & é+=1
		odd = "4455fb11d7c48f88beb4d8d28e62dd0a30dae2a2673eb4788a16b4c626908e2da02073c74fe088c717ffd602db06b51b5494ae9de208f8ba1a5fc14e34e73102"
	)
	for _, tt := range []struct {
		name, method, url, body string
		nonce                   uint64
		want                    string
	}{
		{"no query", "GET", "https://h/api/1/eurowallet/status", "", 1700000000000001, status},
		{"bare question mark", "GET", "https://h/api/1/eurowallet/status?", "", 1700000000000001, status},
		{"fragment", "GET", "https://h/api/1/eurowallet/status#x", "", 1700000000000001, status},
		{"query", "GET", "https://h/api/1/eurowallet/payments/status?externalPaymentId=order-17", "", 1700000000000002, lookup},
		{"query, %20", "GET", "https://h/api/1/eurowallet/payments/status?externalPaymentId=order%2017", "", 1700000000000005, plain},
		{"query, plus", "GET", "https://h/api/1/eurowallet/payments/status?externalPaymentId=order+17", "", 1700000000000005, plain},
		{"query of odd characters", "GET", "https://h/api/1/eurowallet/payments/status?externalPaymentId=50%25+%26%20%C3%a9%2B%3D1", "", 1700000000000006, odd},
		{"form, plus", "POST", "https://h/api/2/eurowallet/payments", paymentWire, 1700000000000003, payment},
		{"form, %20", "POST", "https://h/api/2/eurowallet/payments", strings.ReplaceAll(paymentWire, "+", "%20"), 1700000000000003, payment},
		{"form with empty pairs", "POST", "https://h/api/2/eurowallet/payments", "&" + paymentWire + "&&", 1700000000000003, payment},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(withNonce(t.Context(), tt.nonce), tt.method, tt.url, strings.NewReader(tt.body))
			require.NoError(t, err)
			before := req.Clone(req.Context())
			require.NoError(t, signer(t, golden).Sign(req))
			require.Equal(t, tt.want, req.Header.Get("X-Signature"))
			require.Equal(t, "AK-1", req.Header.Get("X-API-KEY"))
			require.Len(t, req.Header, 3, "no Idempotency-Key, nothing else")
			require.Equal(t, before.URL, req.URL)
			require.Equal(t, before.ContentLength, req.ContentLength)
			sent, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			require.Equal(t, tt.body, string(sent))
		})
	}
}

func TestSignPaymentGolden(t *testing.T) {
	const (
		// the text of paymentForm, with the payment secret
		inner = "027b18a627e81caeb9e4c8d999929cb37b0baa0fd332abceca4cf6c0a79a144220253208f21f9ff8af21f51c9ddb4e732c66029cb1b83e9e9e9cc2c9d3a36521"
		// AK-1&1700000000000004/api/2/eurowallet/payments?<text>&transactionSignature=<inner>
		outer = "b8a68671a579398e75bb96d49d6f0767563d2518e8f7dc376904edc243e08a93b01d0c6b45528c32ee7688fd8d54ad1bd18c10ac958ff9d173e1748a3d51b9b5"
	)
	require.Equal(t, paymentWire, paymentForm.Encode())
	s := signer(t, golden)
	signed, err := s.SignPayment(paymentForm)
	require.NoError(t, err)
	require.Equal(t, append(append(nexpay.Form{}, paymentForm...), nexpay.Field{Name: "transactionSignature", Value: inner}), signed)
	again, err := s.SignPayment(paymentForm)
	require.NoError(t, err)
	require.Equal(t, signed, again, "the same over resends")

	c := &nexpay.Client{BaseURL: "https://h", Signer: s}
	req, err := c.NewRequest(withNonce(t.Context(), 1700000000000004), "POST", "/api/2/eurowallet/payments", signed)
	require.NoError(t, err)
	require.NoError(t, s.Sign(req))
	require.Equal(t, outer, req.Header.Get("X-Signature"))
}

func TestSignPaymentRefuses(t *testing.T) {
	_, err := signer(t, golden).SignPayment(nexpay.Form{{Name: "transactionSignature", Value: "zzz"}})
	require.ErrorContains(t, err, "already signed")
	_, err = signer(t, nexpay.Credentials{Key: "k", Secret: "s"}).SignPayment(nil)
	require.ErrorContains(t, err, "no PaymentSecret")
	require.ErrorContains(t, err, "no fields", "both at once")
	_, err = (&nexpay.Signer{}).SignPayment(paymentForm)
	require.Error(t, err)
}

// A form with room behind it must not be written to: two payments made from one
// template would share the room.
func TestSignPaymentLeavesTheFormAlone(t *testing.T) {
	room := append(make(nexpay.Form, 0, 10), paymentForm...)
	_, err := signer(t, golden).SignPayment(room)
	require.NoError(t, err)
	require.Equal(t, nexpay.Field{}, room[:len(room)+1][len(room)])
}

func TestSignWithoutTicket(t *testing.T) {
	req, _ := http.NewRequest("GET", "https://h/x", nil)
	err := signer(t, golden).Sign(req)
	require.ErrorIs(t, err, nexpay.ErrNoTicket)
	require.ErrorContains(t, err, "nonce.NewContext")
	require.Empty(t, req.Header)
	hidden := req.WithContext(nonce.NewContext(withNonce(t.Context(), 1), nil))
	require.ErrorIs(t, signer(t, golden).Sign(hidden), nexpay.ErrNoTicket)
}

// body counts what is done to it.
type body struct {
	io.Reader
	closed int
	fail   error
}

func (b *body) Close() error { b.closed++; return b.fail }

func TestSignPutsTheBodyBack(t *testing.T) {
	b := &body{Reader: strings.NewReader("a=1")}
	req, err := http.NewRequestWithContext(withNonce(t.Context(), 7), "POST", "https://h/x", b)
	require.NoError(t, err)
	require.Nil(t, req.GetBody)
	s := signer(t, golden)
	require.NoError(t, s.Sign(req))
	require.Equal(t, 1, b.closed)
	first := req.Header.Get("X-Signature")
	require.NoError(t, s.Sign(req), "a second time, for the same send")
	require.Equal(t, first, req.Header.Get("X-Signature"))
	got, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	require.Equal(t, "a=1", string(got))
	copied, err := req.GetBody()
	require.NoError(t, err)
	got, err = io.ReadAll(copied)
	require.NoError(t, err)
	require.Equal(t, "a=1", string(got))
}

func TestSignRefuses(t *testing.T) {
	boom := errors.New("boom")
	big := func(n int) string { return "a=" + strings.Repeat("z", n-2) }
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		want   string // empty: it is signed
	}{
		{"largest body", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(big(1 << 20))) }, ""},
		{"one byte more", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(big(1<<20 + 1))) }, "larger than 1 MiB"},
		{"bad encoding", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("zzz=%zz")) }, "not form-encoded"},
		{"broken body", func(r *http.Request) { r.Body = &body{Reader: io.MultiReader(strings.NewReader("zzz"), failing{boom})} }, "boom"},
		{"body that does not close", func(r *http.Request) { r.Body = &body{Reader: strings.NewReader("zzz"), fail: boom} }, "boom"},
		{"GetBody fails", func(r *http.Request) {
			r.Body, r.GetBody = &body{}, func() (io.ReadCloser, error) { return nil, boom }
		}, "boom"},
		{"GetBody gives nothing", func(r *http.Request) {
			r.Body, r.GetBody = &body{}, func() (io.ReadCloser, error) { return nil, nil }
		}, "cannot be read"},
		{"JSON", func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`{"zzz":1}`))
			r.Header.Set("Content-Type", "application/json")
		}, "Content-Type"},
		{"form with charset", func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader("zzz=1"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
		}, ""},
		{"no URL", func(r *http.Request) { r.URL = nil }, "no URL"},
		{"query no form", func(r *http.Request) { r.URL.RawQuery = "zzz=%zz" }, "query cannot be signed"},
		{"opaque URL", func(r *http.Request) { r.URL = &url.URL{Scheme: "https", Opaque: "//h/zzz"} }, "opaque"},
		{"no header map", func(r *http.Request) { r.Header = nil }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(withNonce(t.Context(), 7), "POST", "https://h/x", nil)
			require.NoError(t, err)
			tt.change(req)
			err = signer(t, golden).Sign(req)
			if tt.want == "" {
				require.NoError(t, err)
				require.Len(t, req.Header.Get("X-Signature"), 128)
				return
			}
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "zz")
			require.Empty(t, req.Header.Get("X-Signature"))
		})
	}
	var none *nexpay.Signer
	req, _ := http.NewRequestWithContext(withNonce(t.Context(), 7), "GET", "https://h/x", nil)
	require.ErrorContains(t, none.Sign(req), "NewSigner")
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// An empty path goes over the wire as "/".
func TestSignEmptyPath(t *testing.T) {
	s, got := signer(t, golden), map[string]bool{}
	for _, u := range []string{"https://h", "https://h/", "https://h?", "https://h/?"} {
		req, err := http.NewRequestWithContext(withNonce(t.Context(), 7), "GET", u, nil)
		require.NoError(t, err)
		require.NoError(t, s.Sign(req))
		got[req.Header.Get("X-Signature")] = true
	}
	require.Len(t, got, 1)
}

func TestSignConcurrently(t *testing.T) {
	s := signer(t, golden)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				req, _ := http.NewRequestWithContext(withNonce(t.Context(), 1700000000000003), "POST", "https://h/api/2/eurowallet/payments", bytes.NewReader([]byte(paymentWire)))
				if err := s.Sign(req); err != nil || !strings.HasPrefix(req.Header.Get("X-Signature"), "d0b352b8") {
					t.Errorf("signed wrongly: %v", err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkSign(b *testing.B) {
	s := signer(b, golden)
	ctx := withNonce(b.Context(), 1700000000000003)
	req, err := http.NewRequestWithContext(ctx, "POST", "https://h/api/2/eurowallet/payments", strings.NewReader(paymentWire))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Sign(req); err != nil {
			b.Fatal(err)
		}
	}
}
