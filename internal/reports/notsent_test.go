package reports_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/retry"
)

// Kind A: no connection was ever made, as httptrace can tell, but the error has no type that says so.

// hanging accepts connections and says nothing.
func hanging(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return "https://" + l.Addr().String() + "/payments"
}

// A01, pulumi/pulumi#16576: POSTs whose TLS handshake timed out never reached the backend and are safe to send again;
// also DataDog/datadog-agent#53612, go-resty/resty#689.
func TestTLSHandshakeTimeoutIsNoDoubtAboutAPayment(t *testing.T) {
	address := hanging(t)
	c := plain(t, &http.Transport{TLSHandshakeTimeout: 40 * time.Millisecond})
	err := payOnce(t, retrier(t, nil), c, func(ctx context.Context) *http.Request { return post(t, address).WithContext(ctx) })
	nothingSent(t, err)
	require.Greater(t, told(t, err).Attempts, 1, "it is safe to send again")
}

// A03: the same through a POST without Once: nothing was sent, so sending again is safe.
func TestTLSHandshakeTimeoutOfAPostIsSentAgain(t *testing.T) {
	c := through(t, retrier(t, nil), &http.Transport{TLSHandshakeTimeout: 40 * time.Millisecond})
	_, err := c.Do(post(t, hanging(t)))
	require.NotErrorIs(t, err, retry.ErrDoubt, "no connection was made: %v", err)
	nothingSent(t, err)
}

// A05, 1Password/connect-sdk-go#73, cooperspencer/gickup#94: a key read from a file ends in a newline; net/http refuses the header
// before anything is written.
func TestHeaderWithANewlineIsNoDoubtAboutAPayment(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it arrived") }))
	t.Cleanup(s.Close)
	req := post(t, s.URL)
	req.Header.Set("X-API-KEY", "key-from-a-file\n")
	_, err := through(t, retrier(t, nil), nil).Do(once(req))
	nothingSent(t, err)
}

// neverSent makes three calls that fail before anything is written.
func neverSent(t *testing.T, c *http.Client, b *breaker.Breaker, req func() *http.Request) {
	t.Helper()
	for range 3 {
		_, err := c.Do(req())
		e := told(t, err)
		require.Equal(t, 1, e.Attempts, "the same request cannot fare better: %v", err)
		require.NotContains(t, err.Error(), "the answer was not HTTP", "there was no answer")
	}
	require.Equal(t, breaker.Closed, b.State(), "the server has nothing to do with it")
}

// A07, 1Password/connect-sdk-go#73: "caused me two hours of infuriating troubleshooting".
func TestHeaderWithANewlineEndsTheCallAtOnceAndIsNoFailureOfTheServer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it arrived") }))
	t.Cleanup(s.Close)
	b := touchy(t)
	neverSent(t, through(t, retrier(t, b), nil), b, func() *http.Request {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer xyz_token\n")
		return req
	})
}
