package reports_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// over is a client of retryhttp over any RoundTripper.
func over(t *testing.T, b *breaker.Breaker, base http.RoundTripper) *http.Client {
	t.Helper()
	return &http.Client{Transport: &retryhttp.Transport{Retrier: retrier(t, b), Base: base}}
}

// untouched is a server that nothing may reach.
func untouched(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it arrived") }))
	t.Cleanup(s.Close)
	return s.URL
}

const secret = "4711-SECRET"

// Each mistake ends the call at once, is named without what it holds, and is the
// server's failure neither for a GET nor for a payment.
func TestMistakesInARequestAreNamed(t *testing.T) {
	address := untouched(t)
	for want, spoil := range map[string]func(*http.Request){
		"invalid header field value: X-Customer has a control character": func(r *http.Request) { r.Header.Set("X-Customer", secret+"\r\n") },
		"invalid header field value: Authorization has a control":        func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer \x7f" + secret} },
		"invalid header field name: it is not an HTTP token":             func(r *http.Request) { r.Header["X "+secret] = []string{"x"} },
		"the URL has no host": func(r *http.Request) { r.URL.Host = "" },
		"unsupported protocol scheme: the URL is not an http or https URL": func(r *http.Request) { r.URL.Scheme = "ftp" },
		"the host has a control character or a space":                      func(r *http.Request) { r.Host = secret + "\nx" },
		"the URL has a control character":                                  func(r *http.Request) { r.URL.RawQuery = "q=" + secret + "\n" },
		"the method is not an HTTP token":                                  func(r *http.Request) { r.Method = "PAY " + secret },
	} {
		t.Run(want, func(t *testing.T) {
			b := touchy(t)
			transport := through(t, retrier(t, b), nil).Transport
			for range 4 {
				for _, req := range []*http.Request{post(t, address), once(post(t, address))} {
					spoil(req)
					_, err := transport.RoundTrip(req)
					nothingSent(t, err)
					require.Equal(t, 1, told(t, err).Attempts)
					require.Equal(t, classify.Fatal, told(t, err).Verdict.Class)
					require.ErrorContains(t, err, "not sent: "+want)
					require.NotContains(t, err.Error(), secret)
				}
			}
			require.Equal(t, breaker.Closed, b.State())
		})
	}
}

// A blank in a query is none: some APIs sign it as it stands.
func TestWhatNetHTTPSendsIsNoMistake(t *testing.T) {
	w := serve(t, func(int) string { return jsonAnswer(200, `{}`) })
	req := post(t, w.url())
	req.URL.RawQuery = "text=a b\u00e9"
	req.Header.Set("X-Name", "J\u00f6rg\tM")
	resp, err := through(t, retrier(t, nil), nil).Transport.RoundTrip(req)
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Len(t, w.requests(), 1)
}

// What fails before there is a connection may be better next time.
func TestAFailingProxyFunctionSendsNothing(t *testing.T) {
	address := untouched(t)
	asked := 0
	base := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { asked++; return nil, errors.New(secret) }}
	b := touchy(t)
	for _, req := range []*http.Request{post(t, address), once(post(t, address))} {
		_, err := over(t, b, base).Do(req)
		nothingSent(t, err)
		require.Equal(t, 4, told(t, err).Attempts)
		require.NotContains(t, err.Error(), secret)
		require.NotContains(t, err.Error(), "broke off")
		require.ErrorContains(t, err, "not sent: ")
	}
	require.Equal(t, 8, asked)
	require.Equal(t, breaker.Closed, b.State(), "nobody has tried to reach the server")
}

// A source of tokens around the transport fails: the body was never read, so the
// request cannot have been sent, by whatever is below.
func TestAFailingTokenSourceSendsNothing(t *testing.T) {
	address := untouched(t)
	for name, failure := range map[string]error{
		"plain":     errors.New("oauth2: " + secret),
		"an answer": &classify.Error{Status: 401, Details: []classify.Detail{{Code: "100"}}},
		"a reset":   &net.OpError{Op: "read", Net: "tcp", Err: io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			b := touchy(t)
			tokens := roundTripper(func(*http.Request) (*http.Response, error) { return nil, failure })
			_, err := over(t, b, tokens).Do(once(post(t, address)))
			nothingSent(t, err)
			require.ErrorIs(t, err, failure)
			require.NotContains(t, err.Error(), secret)
			require.Equal(t, breaker.Closed, b.State())
		})
	}
}

// Without a body there is no such proof: who knows what is below, and what it sent.
func TestWithoutBodyOrTraceItStaysDoubt(t *testing.T) {
	executed := 0
	base := roundTripper(func(req *http.Request) (*http.Response, error) {
		executed++
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused the second time")}
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://bank.test/capture/7", nil)
	require.NoError(t, err)
	_, err = over(t, nil, base).Do(once(req))
	require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
	require.Equal(t, 1, executed)
}

// A client with a dialer and retries of its own: the first was executed, and what
// it tells of is the second, refused one.
func TestARefusedSecondTryProvesNothing(t *testing.T) {
	w := serve(t, func(int) string { return "" }) // it reads, executes, and hangs up
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	base := roundTripper(func(req *http.Request) (*http.Response, error) {
		conn, err := net.Dial("tcp", w.Addr().String())
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		_ = req.Write(conn)
		_, _ = io.Copy(io.Discard, conn)
		_, err = net.Dial("tcp", gone.Addr().String())
		return nil, err
	})
	_, err = over(t, nil, base).Do(once(post(t, "http://bank.test/payments")))
	require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
	require.Len(t, w.requests(), 1)
}

// Who reads the body after having said that it failed gets none of it.
func TestABodyIsSealedOnceNothingWasSent(t *testing.T) {
	var kept io.ReadCloser
	base := roundTripper(func(req *http.Request) (*http.Response, error) {
		kept = req.Body
		return nil, errors.New("later")
	})
	_, err := over(t, nil, base).Do(once(post(t, "http://bank.test/payments")))
	nothingSent(t, err)
	text, err := io.ReadAll(kept)
	require.Error(t, err)
	require.Empty(t, text)
}

// A handshake that fails otherwise: the server hangs up in it.
func TestAHandshakeThatBreaksOffSendsNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 16))
			_ = conn.Close()
		}
	}()
	_, err = through(t, retrier(t, nil), nil).Do(once(post(t, "https://"+l.Addr().String())))
	nothingSent(t, err)
	require.Equal(t, 4, told(t, err).Attempts)
}

// By a client of the user's own, over net/http: the trace in the context is proof.
func TestPayOnceThroughAHandshakeThatHangs(t *testing.T) {
	address := hanging(t)
	b := touchy(t)
	r := retrier(t, b)
	err := payOnce(t, r, plain(t, &http.Transport{TLSHandshakeTimeout: 20 * time.Millisecond}),
		func(ctx context.Context) *http.Request { return post(t, address).WithContext(ctx) })
	nothingSent(t, err)
	require.Equal(t, breaker.Open, b.State(), "that is the server's doing")
}

// Over HTTP/1 the head says that there is no body, for whatever method may have one.
func TestLengthOfNothing(t *testing.T) {
	for method, says := range map[string]bool{"POST": true, "PUT": true, "PATCH": true, "DELETE": false, "GET": false} {
		for _, body := range []io.Reader{nil, http.NoBody, strings.NewReader("")} {
			w := serve(t, func(int) string { return jsonAnswer(200, `{}`) })
			req, err := http.NewRequestWithContext(t.Context(), method, w.url(), body)
			require.NoError(t, err)
			resp, err := through(t, retrier(t, nil), nil).Do(once(req))
			require.NoError(t, err)
			_ = resp.Body.Close()
			require.NotContains(t, w.requests()[0], "Transfer-Encoding", method)
			require.Equal(t, says, strings.Contains(w.requests()[0], "Content-Length: 0\r\n"), method)
		}
	}
}

// A server that takes the request and hangs up gets it once, on a connection that
// was used before as well, where net/http would repeat what it may.
func TestARequestWithoutABodyIsNotRepeated(t *testing.T) {
	for _, key := range []string{"", "Idempotency-Key", "X-Idempotency-Key"} {
		var sends atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				return
			}
			sends.Add(1)
			panic(http.ErrAbortHandler)
		}))
		t.Cleanup(s.Close)
		c := through(t, retrier(t, nil), nil)
		resp, err := c.Get(s.URL)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, nil)
		require.NoError(t, err)
		if key != "" {
			req.Header.Set(key, "7")
		}
		_, err = c.Do(once(req))
		require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		require.EqualValues(t, 1, sends.Load(), key)
	}
}
