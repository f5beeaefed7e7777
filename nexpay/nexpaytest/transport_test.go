package nexpaytest_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// body counts how often it is closed.
type body struct {
	io.Reader
	closed int
}

func (b *body) Close() error { b.closed++; return nil }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// What http.RoundTripper asks for: the body is closed whatever happens, the
// request is not changed, and either response or error is nil.
func TestRoundTripperContract(t *testing.T) {
	boom := errors.New("boom")
	canceled, cancel := context.WithCancelCause(t.Context())
	cancel(boom)
	for _, tt := range []struct {
		name   string
		change func(*http.Request, *nexpaytest.Bank)
		want   string // empty: a response
	}{
		{"fine", func(*http.Request, *nexpaytest.Bank) {}, ""},
		{"method missing", func(r *http.Request, _ *nexpaytest.Bank) { r.Method = "" }, ""},
		{"length right", func(r *http.Request, _ *nexpaytest.Bank) { r.ContentLength = 3 }, ""},
		{"header nil", func(r *http.Request, _ *nexpaytest.Bank) { r.Header = nil }, ""},
		{"URL missing", func(r *http.Request, _ *nexpaytest.Bank) { r.URL = nil }, "no URL"},
		{"host missing", func(r *http.Request, _ *nexpaytest.Bank) { r.URL = &url.URL{Path: "/"} }, "no host"},
		{"length wrong", func(r *http.Request, _ *nexpaytest.Bank) { r.ContentLength = 4 }, "ContentLength is 4, the body has 3"},
		{"canceled", func(r *http.Request, _ *nexpaytest.Bank) { *r = *r.WithContext(canceled) }, "boom"},
		{"body breaks", func(r *http.Request, _ *nexpaytest.Bank) { r.Body.(*body).Reader = failing{boom} }, "boom"},
		{"reset", func(_ *http.Request, b *nexpaytest.Bank) { b.Script(nexpaytest.Fault{Reset: true}) }, "connection reset"},
		{"closed", func(_ *http.Request, b *nexpaytest.Bank) { b.Close() }, "connection reset"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, _ := nexpaytest.NewKeyed()
			sent := &body{Reader: strings.NewReader("a=1")}
			req, err := http.NewRequestWithContext(t.Context(), "POST", "https://h"+paymentsPath, sent)
			require.NoError(t, err)
			tt.change(req, b)
			before, header := *req, maps.Clone(req.Header)
			resp, err := b.RoundTripper().RoundTrip(req)
			require.Equal(t, 1, sent.closed)
			require.Equal(t, header, req.Header)
			require.Equal(t, before, *req)
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				require.Nil(t, resp)
				return
			}
			require.NoError(t, err)
			require.NotNil(t, resp.Body)
			require.Same(t, req, resp.Request)
			require.NoError(t, resp.Body.Close())
		})
	}
}

// A header map may hold names that are not canonical; a server never sees them
// that way.
func TestHeaderNamesInProcess(t *testing.T) {
	b, c := inProcessBank(t)
	req, err := c.NewRequest(withNonce(t.Context(), 1), "GET", statusPath, nil)
	require.NoError(t, err)
	require.NoError(t, c.Signer.Sign(req))
	raw := http.Header{"X-API-KEY": req.Header["X-Api-Key"], "x-nonce": req.Header["X-Nonce"], "X-SIGNATURE": req.Header["X-Signature"]}
	req.Header = raw
	resp, err := b.RoundTripper().RoundTrip(req)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)
}

func TestHandlerInAServerOfOnesOwn(t *testing.T) {
	b, creds := nexpaytest.NewKeyed()
	server := httptest.NewTLSServer(b.Handler())
	defer server.Close()
	c := inProcess(t, b, creds)
	c.BaseURL, c.HTTP = server.URL, server.Client()
	require.NoError(t, c.pay(t.Context(), "a"))
	b.Script(nexpaytest.Fault{Reset: true, Execute: true})
	require.Error(t, c.pay(t.Context(), "b"))
	require.Equal(t, 1, b.Executed("b"))
	require.NoError(t, c.pay(t.Context(), "c"))
}

func TestStartTwice(t *testing.T) {
	b, creds := nexpaytest.NewKeyed()
	one, two := overTCP(t, b, creds), overTCP(t, b, creds)
	require.NotEqual(t, one.BaseURL, two.BaseURL)
	require.NoError(t, one.pay(t.Context(), "a"))
	two.n = 1
	require.NoError(t, two.pay(t.Context(), "a"))
	require.Equal(t, 2, b.Executed("a"), "one ledger")
}
