package retryhttp_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// A server on loopback that counts its connections.
type server struct {
	*httptest.Server
	requests atomic.Int64
	open     atomic.Int64
	conns    sync.Map
}

func serve(t testing.TB, handler http.HandlerFunc, change ...func(*httptest.Server)) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.open.Add(1)
			s.conns.Store(c, true)
		case http.StateClosed, http.StateHijacked:
			if _, was := s.conns.LoadAndDelete(c); was {
				s.open.Add(-1)
			}
		}
	}
	for _, f := range change {
		f(s.Server)
	}
	if s.TLS == nil {
		s.Start()
	} else {
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	return s
}

// real is a client of a transport of its own over a pool of its own.
func real(t testing.TB, change ...func(*http.Transport, *retryhttp.Transport)) *http.Client {
	t.Helper()
	base := &http.Transport{Proxy: nil}
	tr := &retryhttp.Transport{Base: base, Retrier: quick(t, retry.Config{})}
	for _, f := range change {
		f(base, tr)
	}
	t.Cleanup(base.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: time.Minute}
}

// first answers the first so many requests by one handler, and the rest by another.
func first(n int64, bad, good http.HandlerFunc) http.HandlerFunc {
	var seen atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) <= n {
			bad(w, r)
			return
		}
		good(w, r)
	}
}

func fine(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") }

func sorry(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(503)
	_, _ = io.WriteString(w, "sorry")
}

// reset breaks the connection with what was said so far. It has the whole request by
// then: else its last part, written to a connection that is broken, may be what fails.
func reset(said string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = buffered.WriteString(said)
		_ = buffered.Flush()
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	resp, err := c.Get(url)
	require.NoError(t, err)
	return read(t, resp)
}

// With one connection in all, a resend does not wait for the answer it follows.
func TestPoolOfOneConnection(t *testing.T) {
	big := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(503)
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
	}
	for name, bad := range map[string]http.HandlerFunc{"short": sorry, "long": big} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, first(2, bad, fine))
			c := real(t, func(b *http.Transport, _ *retryhttp.Transport) { b.MaxConnsPerHost = 1 })
			require.Equal(t, "fine", get(t, c, s.URL))
			require.Equal(t, int64(3), s.requests.Load())
		})
	}
}

// A body that the program never closed holds the only connection: the error names no answer
// that the server failed to give.
func TestForgottenBody(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 1<<20)) })
	policies, err := policy.Standard().With(policy.Table{
		AttemptTimeout: 30 * time.Millisecond, Default: policy.Policy{MaxAttempts: 1},
	})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Policies: policies})
	require.NoError(t, err)
	plain := new(http.Client)
	c := real(t, func(b *http.Transport, t *retryhttp.Transport) {
		b.MaxConnsPerHost, t.Retrier, plain.Transport = 1, r, b
	})
	forgotten, err := plain.Get(s.URL)
	require.NoError(t, err)
	defer forgotten.Body.Close()
	_, err = c.Get(s.URL)
	require.ErrorContains(t, err, "no answer to HTTP GET: no connection was made: no answer within the attempt timeout of 30ms")
	require.ErrorContains(t, err, "effect not applied")
}

func TestHTTP2(t *testing.T) {
	s := serve(t, first(2, sorry, fine), func(s *httptest.Server) { s.EnableHTTP2 = true; s.TLS = &tls.Config{} })
	c := real(t, func(b *http.Transport, _ *retryhttp.Transport) {
		b.TLSClientConfig, b.ForceAttemptHTTP2 = s.Client().Transport.(*http.Transport).TLSClientConfig, true
	})
	resp, err := c.Get(s.URL)
	require.NoError(t, err)
	require.Equal(t, 2, resp.ProtoMajor)
	require.Equal(t, "fine", read(t, resp))
	require.Equal(t, int64(3), s.requests.Load())
	require.Equal(t, int64(1), s.open.Load(), "one connection for all")
}

// certified makes a certificate that signs itself.
func certified(t *testing.T, host string, until time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	made := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: until.Add(-time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if ip := net.ParseIP(host); ip != nil {
		made.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, &made, &made, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// A certificate that is not accepted will not be in a second either: one send, and nothing has happened.
func TestTLS(t *testing.T) {
	for name, tt := range map[string]struct {
		host  string
		until time.Time
		trust bool
		want  string
	}{
		"good":    {"127.0.0.1", time.Now().Add(time.Hour), true, ""},
		"expired": {"127.0.0.1", time.Now().Add(-time.Minute), true, "expired"},
		"wrong":   {"other.example", time.Now().Add(time.Hour), true, "not valid for 127.0.0.1"},
		"unknown": {"127.0.0.1", time.Now().Add(time.Hour), false, "authority"},
	} {
		t.Run(name, func(t *testing.T) {
			cert, pool := certified(t, tt.host, tt.until)
			s := serve(t, fine, func(s *httptest.Server) { s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}} })
			c := real(t, func(b *http.Transport, _ *retryhttp.Transport) {
				b.TLSClientConfig = &tls.Config{RootCAs: pool}
				if !tt.trust {
					b.TLSClientConfig.RootCAs = x509.NewCertPool()
				}
			})
			resp, err := c.Post(s.URL, "text/plain", strings.NewReader("x"))
			if tt.want == "" {
				require.NoError(t, err)
				require.Equal(t, "fine", read(t, resp))
				return
			}
			e := errorOf(t, err)
			require.Equal(t, retry.ErrFatal, e.Reason)
			require.Equal(t, classify.NotApplied, e.Effect)
			require.Equal(t, 1, e.Attempts)
			require.ErrorContains(t, e, tt.want)
			require.Zero(t, s.requests.Load())
		})
	}
}

// A server that takes the connection and never says a word.
func TestSilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { _, _ = io.Copy(io.Discard, conn); _ = conn.Close() })
		}
	})
	set, err := policy.New(policy.Table{
		AttemptTimeout: 30 * time.Millisecond,
		Default:        policy.Policy{MaxAttempts: 2, Backoff: policy.Backoff{Initial: time.Millisecond}},
	})
	require.NoError(t, err)
	for method, sends := range map[string]int{"GET": 2, "POST": 1} {
		c := real(t, func(_ *http.Transport, tr *retryhttp.Transport) { tr.Retrier = quick(t, retry.Config{Policies: set}) })
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+listener.Addr().String(), nil)
		require.NoError(t, err)
		_, err = c.Do(req)
		e := errorOf(t, err)
		require.Equal(t, sends, e.Attempts, "%v", e)
		require.ErrorContains(t, e, "no answer within the attempt timeout of 30ms")
		require.Equal(t, classify.Unknown, e.Effect)
		c.CloseIdleConnections()
	}
	_ = listener.Close()
	conns.Wait()
}

// An answer that breaks off in its body: of an error, it is judged as far as it came; of a 2xx, the caller sees it break.
func TestResetInTheBody(t *testing.T) {
	broken := reset("HTTP/1.1 503 sorry\r\nContent-Length: 100\r\n\r\nhalf of it")
	s := serve(t, first(1, broken, fine))
	require.Equal(t, "fine", get(t, real(t), s.URL))
	require.Equal(t, int64(2), s.requests.Load())

	s = serve(t, reset("HTTP/1.1 200 fine\r\nContent-Length: 100\r\n\r\nhalf of it"))
	resp, err := real(t).Get(s.URL)
	require.NoError(t, err)
	got, err := io.ReadAll(resp.Body)
	require.Error(t, err, "never taken for the end")
	require.True(t, strings.HasPrefix("half of it", string(got)))
	require.NoError(t, resp.Body.Close())
	require.Equal(t, int64(1), s.requests.Load())

	s = serve(t, broken)
	resp, err = real(t).Post(s.URL, "text/plain", strings.NewReader("x"))
	require.NoError(t, err, "the last answer, as far as it came")
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, int64(1), s.requests.Load(), "and a POST is not sent again")
}

// What net/http does by itself with a kept-alive connection that was closed: it sends a GET again, and does not tell. What
// is signed goes out once for each attempt all the same.
func TestIdleConnectionsClosed(t *testing.T) {
	for _, signed := range []bool{false, true} {
		t.Run(fmt.Sprintf("signed %v", signed), func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/close" { // reads the request, and closes without an answer
					reset("")(w, r)
					return
				}
				fine(w, r)
			})
			var attempts atomic.Int64
			c := real(t, func(_ *http.Transport, tr *retryhttp.Transport) {
				if signed {
					tr.Sign = func(*http.Request) error { attempts.Add(1); return nil }
				}
			})
			require.Equal(t, "fine", get(t, c, s.URL)) // so that there is a connection to reuse
			before := s.requests.Load()
			_, err := c.Get(s.URL + "/close")
			e := errorOf(t, err)
			require.Equal(t, 4, e.Attempts)
			got := s.requests.Load() - before
			if signed {
				require.Equal(t, int64(4), got, "one for each signature")
				require.Equal(t, int64(5), attempts.Load())
				return
			}
			require.GreaterOrEqual(t, got, int64(5), "net/http sent one of them again by itself")
		})
	}
}

func TestContinue(t *testing.T) {
	s := serve(t, first(1, sorry, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	c := real(t, func(b *http.Transport, _ *retryhttp.Transport) { b.ExpectContinueTimeout = 5 * time.Second })
	req, err := http.NewRequestWithContext(t.Context(), "PUT", s.URL, strings.NewReader("amount=17"))
	require.NoError(t, err)
	req.Header.Set("Expect", "100-continue")
	var told atomic.Int64
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{Got100Continue: func() { told.Add(1) }}))
	resp, err := c.Do(req)
	require.NoError(t, err)
	require.Equal(t, "amount=17", read(t, resp))
	require.Equal(t, int64(1), told.Load(), "by the second, which read the body")
}

func TestGzip(t *testing.T) {
	zipped := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(status)
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, text)
			_ = z.Close()
		}
	}
	s := serve(t, first(1, zipped(403, monotonic), zipped(400, wrong)))
	resp, err := real(t).Get(s.URL)
	require.NoError(t, err)
	require.Equal(t, 400, resp.StatusCode)
	require.True(t, resp.Uncompressed)
	require.Equal(t, wrong, read(t, resp), "judged, and there for the caller")
	require.Equal(t, int64(2), s.requests.Load(), "code 50 was read")
}

func TestTrailers(t *testing.T) {
	s := serve(t, first(1, sorry, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "fine")
		w.Header().Set("X-Sum", "4")
	}))
	resp, err := real(t).Get(s.URL)
	require.NoError(t, err)
	require.Equal(t, "fine", read(t, resp))
	require.Equal(t, "4", resp.Trailer.Get("X-Sum"))
}

// A 307 to another host takes neither key nor body there.
func TestRedirectAcrossHosts(t *testing.T) {
	var stolen atomic.Bool
	evil := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("X-API-KEY") != "" || len(body) > 0 {
			stolen.Store(true)
		}
	})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, evil.URL, http.StatusTemporaryRedirect)
	})
	for _, method := range []string{"GET", "POST"} {
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL, strings.NewReader("amount=17"))
		require.NoError(t, err)
		req.Header.Set("X-API-KEY", "canary")
		resp, err := real(t).Do(req)
		require.NoError(t, err)
		require.Equal(t, 307, resp.StatusCode)
		read(t, resp)
	}
	require.Zero(t, evil.requests.Load())
	require.False(t, stolen.Load())
}

// A proxy is found and told apart from the server; its credentials are in no error.
func TestProxy(t *testing.T) {
	s := serve(t, first(1, sorry, fine))
	proxied := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") == "" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		resp, err := http.DefaultTransport.RoundTrip(&http.Request{Method: r.Method, URL: r.URL, Header: http.Header{}})
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	})
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	through := func(user *url.Userinfo, host string) *http.Client {
		return real(t, func(b *http.Transport, _ *retryhttp.Transport) {
			b.Proxy = http.ProxyURL(&url.URL{Scheme: "http", User: user, Host: host})
		})
	}
	host := strings.TrimPrefix(proxied.URL, "http://")
	require.Equal(t, "fine", get(t, through(url.UserPassword("me", "canary"), host), s.URL))

	resp, err := through(nil, host).Get(s.URL)
	require.NoError(t, err)
	require.Equal(t, http.StatusProxyAuthRequired, resp.StatusCode, "no use in trying again")
	read(t, resp)

	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	gone := nobody.Addr().String()
	require.NoError(t, nobody.Close())
	_, err = through(url.UserPassword("me", "canary"), gone).Post(s.URL, "text/plain", strings.NewReader("x"))
	e := errorOf(t, err)
	require.Equal(t, 4, e.Attempts, "nothing was written, so a POST may be sent again: %v", e)
	require.NotContains(t, fmt.Sprintf("%+v %v", e, err), "canary")
}

// A thousand requests at once through five hundred resets: each is answered, and nothing is left behind.
func TestThousandThroughResets(t *testing.T) {
	const requests, resets = 1000, 500
	var left atomic.Int64
	left.Store(resets)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if left.Add(-1) >= 0 {
			reset("")(w, r)
			return
		}
		_, _ = io.WriteString(w, r.URL.Query().Get("n"))
	})
	set, err := policy.New(policy.Table{Default: policy.Policy{
		MaxAttempts: 50, MaxElapsed: policy.None, Backoff: policy.Backoff{Initial: time.Millisecond, Max: 10 * time.Millisecond},
	}})
	require.NoError(t, err)
	base := &http.Transport{MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64}
	c := &http.Client{Transport: &retryhttp.Transport{
		Base:    base,
		Retrier: quick(t, retry.Config{Policies: set, Budget: retry.NoBudget()}),
		Sign:    func(*http.Request) error { return nil }, // so that it is we who send again
	}}
	var group sync.WaitGroup
	var answered atomic.Int64
	for n := range requests {
		group.Go(func() {
			resp, err := c.Get(fmt.Sprintf("%s/?n=%d", s.URL, n))
			if err != nil {
				t.Errorf("%d: %v", n, err)
				return
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || string(body) != fmt.Sprint(n) {
				t.Errorf("%d: %q, %v", n, body, err)
				return
			}
			answered.Add(1)
		})
	}
	group.Wait()
	require.Equal(t, int64(requests), answered.Load())
	require.Equal(t, int64(requests+resets), s.requests.Load(), "each reset costs one send, and nothing else")
	base.CloseIdleConnections()
	require.Eventually(t, func() bool { return s.open.Load() == 0 }, 5*time.Second, time.Millisecond, "connections left open")
}

// Each of what a canceled caller leaves behind is over.
func TestCanceled(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	ctx, cancel := context.WithCancelCause(t.Context())
	mine := errors.New("the shop is closing")
	time.AfterFunc(20*time.Millisecond, func() { cancel(mine) })
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
	require.NoError(t, err)
	_, err = real(t).Do(req)
	e := errorOf(t, err)
	require.Equal(t, retry.ErrCanceled, e.Reason)
	require.ErrorIs(t, e, mine)
	require.Equal(t, int64(1), s.requests.Load())
}

// A connection that is upgraded is handed on as it is.
func TestUpgrade(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = buffered.Flush()
		line, _ := buffered.ReadString('\n')
		_, _ = buffered.WriteString("you said " + line)
		_ = buffered.Flush()
	})
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
	require.NoError(t, err)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	r, err := retry.New(retry.Config{}) // with an attempt timeout, so that the body is wrapped
	require.NoError(t, err)
	c := real(t, func(_ *http.Transport, tr *retryhttp.Transport) { tr.Retrier = r })
	resp, err := c.Transport.RoundTrip(req)
	require.NoError(t, err)
	both, ok := resp.Body.(io.ReadWriteCloser)
	require.True(t, ok)
	_, err = io.WriteString(both, "hello\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(both).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "you said hello\n", line)
	require.NoError(t, both.Close())
}
