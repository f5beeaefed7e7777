package retryhttp_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// An http.Transport may have another one registered for a scheme, HTTP/3 say, which
// reports no connection: that none was asked for proves nothing of what changes
// something (M3).
func TestRegisteredProtocol(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"a body": "amount=17", "none": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			executed := 0
			base := new(http.Transport)
			base.RegisterProtocol("https", roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Body != nil {
					_, _ = io.ReadAll(r.Body)
				}
				executed++
				return nil, &net.OpError{Op: "read", Net: "udp", Err: syscall.ECONNRESET}
			}))
			tr := &retryhttp.Transport{Base: base, Retrier: retrier(t, retry.Config{})}
			pay := func(ctx context.Context) *http.Request {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://bank.example/pay", strings.NewReader(text))
				require.NoError(t, err)
				return req
			}
			_, err := tr.RoundTrip(pay(t.Context()))
			require.ErrorIs(t, err, retry.ErrDoubt)
			require.Equal(t, 1, executed)

			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err = tr.RoundTrip(retryhttp.Once(pay(ctx), "id", func(context.Context) (*http.Response, retry.Outcome, error) {
				return nil, retry.Undecided, nil
			}))
			require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
			require.Equal(t, 2, executed)
		})
	}
}

// Other schemes than http and https are sent where somebody is registered for them, and
// are a mistake where nobody is.
func TestRegisteredScheme(t *testing.T) {
	base := new(http.Transport)
	base.RegisterProtocol("memory", roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("fine")), Request: r}, nil
	}))
	tr := &retryhttp.Transport{Base: base, Retrier: retrier(t, retry.Config{})}
	get := func(url string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		return tr.RoundTrip(req)
	}
	resp, err := get("memory:///balance")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())

	_, err = get("ftp://bank.example/balance")
	require.ErrorIs(t, err, retry.ErrFatal)
	require.ErrorContains(t, err, "not sent: unsupported protocol scheme")
}

// Put into http.DefaultTransport without a Base it would send to itself for ever.
func TestDefaultTransportItself(t *testing.T) {
	was := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = was })
	tr := &retryhttp.Transport{Retrier: retrier(t, retry.Config{})}
	http.DefaultTransport = tr
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1/", nil)
	require.NoError(t, err)
	_, err = tr.RoundTrip(req)
	require.ErrorContains(t, err, "set Base")
	tr.CloseIdleConnections()
}

// What net/http refuses is named in its words, which retry libraries around us go by.
func TestMistakesInTheWordsOfNetHTTP(t *testing.T) {
	for words, spoil := range map[string]func(*http.Request){
		"unsupported protocol scheme":   func(r *http.Request) { r.URL.Scheme = "ftp" },
		"invalid header field name":     func(r *http.Request) { r.Header["a b"] = []string{"x"} },
		"invalid header field value":    func(r *http.Request) { r.Header["X-A"] = []string{"a\nb"} },
		"invalid trailer field value":   func(r *http.Request) { r.ContentLength, r.Trailer = -1, http.Header{"X-A": {"a\nb"}} },
		"the URL has no host":           func(r *http.Request) { r.URL.Host = "" },
		"the URL has a control charact": func(r *http.Request) { r.URL.RawQuery = "a\nb" },
	} {
		t.Run(words, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:1/", strings.NewReader("x"))
			require.NoError(t, err)
			spoil(req)
			_, err = (&retryhttp.Transport{Base: new(http.Transport), Retrier: retrier(t, retry.Config{})}).RoundTrip(req)
			require.ErrorIs(t, err, retry.ErrFatal)
			require.ErrorContains(t, err, words)
			require.Contains(t, err.Error(), "1 send")
			require.NotContains(t, err.Error(), "a\nb")
		})
	}
}
