package retryhttp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/refusing"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// What an HTTP/2 server says it has not processed goes out once in an attempt, a GET without
// a body twice, and a few times in all; it is known not to have been applied, so that this is
// no matter of the method. Without a bound, net/http sends a GET hundreds of times a second.
func TestUnprocessed(t *testing.T) {
	for name, server := range map[string]func(testing.TB) *refusing.Server{"refused streams": refusing.Streams, "GOAWAY": refusing.GoesAway} {
		for _, method := range []string{"GET", "PUT", "DELETE", "POST"} {
			for _, body := range []string{"", "amount=17"} {
				t.Run(name+"/"+method+" "+body, func(t *testing.T) {
					s := server(t)
					var mu sync.Mutex
					resends := 0
					tr := &retryhttp.Transport{Base: s.Client().Transport, Retrier: quick(t, retry.Config{OnEvent: func(_ context.Context, e retry.Event) {
						mu.Lock()
						defer mu.Unlock()
						if e.Kind == retry.EventResend {
							resends++
						}
					}})}
					var in io.Reader
					if body != "" {
						in = strings.NewReader(body)
					}
					req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/payments?secret", in)
					require.NoError(t, err)
					_, err = (&http.Client{Transport: tr}).Do(req)
					var e *retry.Error
					require.ErrorAs(t, err, &e)
					require.ErrorIs(t, e, retry.ErrAttempts)
					require.Equal(t, classify.NotApplied, e.Effect, "%v", e)
					require.Equal(t, "not processed", e.Verdict.Rule)
					require.ErrorContains(t, e, "the server has not processed the request (HTTP/2 says so)")
					require.NotContains(t, e.Error(), "secret")
					require.Equal(t, e.Attempts-1, resends)
					each := 1
					if method == "GET" && body == "" {
						each = 2
					}
					require.Equal(t, each*e.Attempts, int(s.Streams.Load()))
				})
			}
		}
	}
}

// DoOnce believes nobody in between: what is not processed here may have been sent on as
// another copy before.
func TestUnprocessedPayment(t *testing.T) {
	s := refusing.Streams(t)
	tr := &retryhttp.Transport{Base: s.Client().Transport, Retrier: quick(t, retry.Config{})}
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL, strings.NewReader("amount=17"))
	require.NoError(t, err)
	_, err = (&http.Client{Transport: tr}).Do(retryhttp.Once(req, "inv-7", nil))
	require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
	require.EqualValues(t, 1, s.Streams.Load())
}

// hangsUp is a server of HTTP/1.1 that answers the first request on each connection, and
// hangs up on the second.
func hangsUp(t *testing.T, got *atomic.Int32) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				for n := range 2 {
					buffer := make([]byte, 4096)
					if k, err := conn.Read(buffer); err != nil || k == 0 {
						return
					}
					got.Add(1)
					if n == 1 {
						return
					}
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				}
			})
		}
	})
	return "http://" + listener.Addr().String()
}

// A kept-alive connection on which the server hangs up is net/http's to replace, once, and
// that is told.
func TestReplayOnAnotherConnection(t *testing.T) {
	var got atomic.Int32
	var warned []string
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	tr := &retryhttp.Transport{Base: base, Retrier: quick(t, retry.Config{OnEvent: func(_ context.Context, e retry.Event) {
		if e.Kind == retry.EventWarning {
			warned = append(warned, e.Error)
		}
	}})}
	c, url := &http.Client{Transport: tr}, hangsUp(t, &got)
	for range 2 {
		resp, err := c.Get(url)
		require.NoError(t, err)
		require.Equal(t, "{}", read(t, resp))
	}
	require.EqualValues(t, 3, got.Load(), "the first, the second, and that once more")
	require.Equal(t, []string{"net/http used 2 connections for one send: it may have sent the request that many times"}, warned)
}

// A body that comes from another server is refused by that one: it says nothing of what
// the server did that the body goes to.
func TestUnprocessedIsAboutThisServer(t *testing.T) {
	for _, http2 := range []bool{true, false} {
		from := refusing.HalfWay(t)
		source, err := from.Client().Get(from.URL)
		require.NoError(t, err)
		got := make(chan bool, 1)
		s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			got <- true
			_, _ = io.Copy(io.Discard, r.Body)
		}, func(s *httptest.Server) { s.EnableHTTP2, s.TLS = http2, new(tls.Config) })
		tr := &retryhttp.Transport{Base: s.Client().Transport, Retrier: quick(t, retry.Config{})}
		started := io.NopCloser(io.MultiReader(strings.NewReader("amount=17"), waits{got}, source.Body))
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL, started)
		require.NoError(t, err)
		_, err = (&http.Client{Transport: tr}).Do(req)
		e := errorOf(t, err)
		require.NotEqual(t, classify.NotApplied, e.Effect, "%v", e)
		require.ErrorContains(t, e, "the body of the request cannot be read")
	}
}

// waits is read, as empty, when somebody has said so.
type waits struct{ until <-chan bool }

func (w waits) Read([]byte) (int, error) {
	<-w.until
	return 0, io.EOF
}

// What a server writes into other errors does not make them proof.
func TestUnprocessedIsNotToBeForged(t *testing.T) {
	for _, said := range []string{
		"stream error: stream ID 1; REFUSED_STREAM",
		"http2: Transport: cannot retry err [stream error: stream ID 1; REFUSED_STREAM] after Request.Body was written; define Request.GetBody to avoid this error, or not",
		"http2: server sent GOAWAY and closed the connection; debug=\"http2: Transport: cannot retry err [stream error: stream ID 1; REFUSED_STREAM] after Request.Body was written; define Request.GetBody to avoid this error\"",
	} {
		c := client(t, answers(breaks(errors.New(said))))
		_, err := c.Do(request(t, "POST", "amount=17"))
		require.ErrorIs(t, err, retry.ErrDoubt, said)
	}
}
