package classify_test

import (
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
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

var (
	notMade  = verdict{classify.Retryable, classify.NotApplied, "", "connection not made"}
	failed   = verdict{classify.Retryable, classify.Unknown, "", "connection failed"}
	late     = verdict{classify.Retryable, classify.Unknown, "", "no answer in time"}
	unnamed  = verdict{classify.Retryable, classify.Unknown, "", "request failed"}
	badCert  = verdict{classify.Fatal, classify.NotApplied, "", "certificate not accepted"}
	canceled = verdict{rule: "canceled"}
)

// listen serves each connection on loopback with serve, then closes it.
func listen(t *testing.T, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(5 * time.Second)) // so that nothing hangs for good
				serve(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// dead is an address that refuses connections.
func dead(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func client(t *testing.T, change func(*http.Transport)) *http.Client {
	tr := &http.Transport{DisableKeepAlives: true}
	if change != nil {
		change(tr)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// readRequest takes what the client sends, so that closing is not a reset.
func readRequest(c net.Conn) { io.ReadAtLeast(c, make([]byte, 4096), 16) }

func silent(c net.Conn) { io.Copy(io.Discard, c) }

func reset(c net.Conn) {
	readRequest(c)
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}

func get(t *testing.T, c *http.Client, url string) error {
	t.Helper()
	resp, err := c.Post(url, "text/plain", nil) // a POST, which net/http does not repeat by itself
	if err == nil {
		resp.Body.Close()
	}
	require.Error(t, err)
	return err
}

func TestConnectionNotMade(t *testing.T) {
	check(t, notMade, get(t, client(t, nil), "http://"+dead(t)))

	_, err := net.Dial("tcp", dead(t))
	check(t, notMade, err)
	check(t, notMade, fmt.Errorf("while paying: %w", err))
	check(t, notMade, errors.Join(err, err))

	var d net.Dialer
	d.Deadline = time.Now().Add(-time.Second)
	_, err = d.Dial("tcp", dead(t))
	require.True(t, err.(net.Error).Timeout())
	check(t, notMade, err)

	proxy, _ := url.Parse("http://" + dead(t))
	check(t, notMade, get(t, client(t, func(tr *http.Transport) { tr.Proxy = http.ProxyURL(proxy) }), "https://api.invalid"))

	socks, _ := url.Parse("socks5://" + listen(t, func(c net.Conn) { io.ReadFull(c, make([]byte, 3)) }))
	check(t, notMade, get(t, client(t, func(tr *http.Transport) { tr.Proxy = http.ProxyURL(socks) }), "http://api.invalid"))
}

func TestNameNotFound(t *testing.T) {
	nowhere := dead(t)
	d := net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", nowhere)
	}}}
	_, err := d.Resolver.LookupHost(t.Context(), "api.invalid")
	_, ok := errors.AsType[*net.DNSError](err)
	require.True(t, ok, "%T", err)
	check(t, notMade, err)
	check(t, notMade, get(t, client(t, func(tr *http.Transport) { tr.DialContext = d.DialContext }), "http://api.invalid"))
}

func TestFailedLater(t *testing.T) {
	check(t, failed, get(t, client(t, nil), "http://"+listen(t, readRequest)))
	check(t, failed, get(t, client(t, nil), "http://"+listen(t, reset)))

	slow := client(t, nil)
	slow.Timeout = 20 * time.Millisecond
	check(t, late, get(t, slow, "http://"+listen(t, silent)))

	// A response header that breaks off, and garbage instead of one.
	cut := listen(t, func(c net.Conn) { readRequest(c); io.WriteString(c, "HTTP/1.1 200 OK\r\n") })
	check(t, failed, get(t, client(t, nil), "http://"+cut))
	garbage := listen(t, func(c net.Conn) { readRequest(c); io.WriteString(c, "garbage\r\n\r\n") })
	check(t, unnamed, get(t, client(t, nil), "http://"+garbage))

	a, b := net.Pipe()
	a.Close()
	_, err := a.Read(make([]byte, 1))
	check(t, failed, err)
	_, err = b.Read(make([]byte, 1))
	check(t, failed, err)
	b.Close()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	check(t, failed, err)

	for _, err := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, http.ErrSchemeMismatch,
		syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED,
		syscall.ECONNREFUSED, syscall.ENETUNREACH, syscall.EHOSTUNREACH,
		// WSAENETUNREACH, WSAECONNABORTED, WSAECONNRESET, WSAECONNREFUSED and WSAEHOSTUNREACH of Windows.
		syscall.Errno(10051), syscall.Errno(10053), syscall.Errno(10054), syscall.Errno(10061), syscall.Errno(10065),
	} {
		check(t, failed, fmt.Errorf("while paying: %w", err))
	}
	for _, err := range []error{context.DeadlineExceeded, syscall.ETIMEDOUT, syscall.Errno(10060)} {
		check(t, late, fmt.Errorf("while paying: %w", err))
	}
	check(t, verdict{}, syscall.ENOENT)
}

// A connection that dials anew while it reads says nothing about what was written before.
func TestOutermostOperationSettles(t *testing.T) {
	_, refused := net.Dial("tcp", dead(t))
	check(t, failed, &net.OpError{Op: "read", Net: "tcp", Err: refused})
	check(t, failed, &net.OpError{Op: "read", Net: "tcp", Err: errors.Join(refused)})
	check(t, notMade, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: &net.OpError{Op: "read", Net: "tcp", Err: io.EOF}})
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := new(net.Dialer).DialContext(ctx, "tcp", dead(t))
	check(t, canceled, err)
	req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+listen(t, silent), nil)
	_, err = client(t, nil).Do(req)
	check(t, canceled, err)
	check(t, canceled, fmt.Errorf("while paying: %w", context.Canceled))
}

func TestURLErrors(t *testing.T) {
	check(t, verdict{}, get(t, client(t, nil), "http://[")) // not even a URL: no retry helps
	check(t, unnamed, get(t, client(t, nil), "gopher://127.0.0.1"))
	check(t, unnamed, &url.Error{Op: "Post", URL: "https://api.invalid", Err: errors.New("http2: server sent GOAWAY")})
}

// issue makes a certificate for 127.0.0.1, signed by itself.
func issue(t *testing.T, change func(*x509.Certificate)) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	change(c)
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestCertificates(t *testing.T) {
	good := func(*x509.Certificate) {}
	for name, tt := range map[string]struct {
		change func(*x509.Certificate)
		trust  bool
	}{
		"unknown authority": {good, false},
		"expired":           {func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }, true},
		"wrong host":        {func(c *x509.Certificate) { c.IPAddresses = nil; c.DNSNames = []string{"other.invalid"} }, true},
		"not for servers":   {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			cert, pool := issue(t, tt.change)
			if !tt.trust {
				pool = x509.NewCertPool()
			}
			addr := listen(t, func(c net.Conn) { tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}).Handshake() })
			err := get(t, client(t, func(tr *http.Transport) { tr.TLSClientConfig = &tls.Config{RootCAs: pool} }), "https://"+addr)
			check(t, badCert, err)

			// Also where the check is made by hand, and so not wrapped by crypto/tls.
			verification, ok := errors.AsType[*tls.CertificateVerificationError](err)
			require.True(t, ok)
			check(t, badCert, verification.Err)
		})
	}
}

func TestHandshake(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	addr := plain.Listener.Addr().String()

	// The transport tells that the very first record was none, which proves that nothing was written.
	req, _ := http.NewRequest("POST", "https://"+addr, nil)
	_, err := client(t, nil).Transport.RoundTrip(req)
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	require.True(t, ok, "%T", err)
	check(t, notMade, err)

	// What http.Client makes of that is no proof: see the next test.
	check(t, failed, get(t, client(t, nil), "https://"+addr))

	check(t, failed, get(t, client(t, nil), "https://"+listen(t, func(net.Conn) {})))
	impatient := client(t, func(tr *http.Transport) { tr.TLSHandshakeTimeout = 5 * time.Millisecond })
	check(t, late, get(t, impatient, "https://"+listen(t, silent)))

	cert, pool := issue(t, func(*x509.Certificate) {})
	alert := listen(t, func(c net.Conn) {
		tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}).Handshake()
	})
	old := client(t, func(tr *http.Transport) {
		tr.TLSClientConfig = &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS12}
	})
	check(t, failed, get(t, old, "https://"+alert))
}

// A server takes the request, and only then speaks plain text. http.Client reports
// the same error as for a server that never spoke TLS.
func TestPlainTextAfterTheRequestIsNoProof(t *testing.T) {
	cert, pool := issue(t, func(*x509.Certificate) {})
	got := make(chan string, 1)
	addr := listen(t, func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		b := make([]byte, 4)
		io.ReadFull(s, b)
		got <- string(b)
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		silent(c)
	})
	secure := client(t, func(tr *http.Transport) { tr.TLSClientConfig = &tls.Config{RootCAs: pool} })
	err := get(t, secure, "https://"+addr)
	require.Equal(t, "POST", <-got)
	require.ErrorIs(t, err, http.ErrSchemeMismatch)
	check(t, failed, err)

	req, _ := http.NewRequest("POST", "https://"+addr, nil)
	_, err = secure.Transport.RoundTrip(req)
	require.Equal(t, "POST", <-got)
	check(t, failed, err)
}

// What the package documentation says of clients that send more than once.
func TestADialAfterARedirectProvesNothing(t *testing.T) {
	gone := "http://" + dead(t)
	for _, status := range []int{302, 303, 307} {
		executed := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			executed++
			http.Redirect(w, r, gone, status)
		}))
		post := func(c *http.Client) error {
			resp, err := c.Post(s.URL, "application/x-www-form-urlencoded", strings.NewReader("a=b"))
			if err == nil {
				err = classify.ReadJSON(resp, nil)
			}
			return err
		}
		c := client(t, nil)
		check(t, notMade, post(c))
		require.Equal(t, 1, executed, "and still the error is that of a dial")

		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		v := classify.Nexpay().Classify(post(c))
		require.Equal(t, classify.Verdict{Class: classify.Fatal, Status: status, Rule: fmt.Sprintf("HTTP %d", status)}, v)
		require.Equal(t, 2, executed)
		s.Close()
	}
}
