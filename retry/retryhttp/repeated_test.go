package retryhttp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/refusing"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// wrapped is a transport of somebody else's around one of net/http: nobody can tell what
// it speaks.
type wrapped struct{ http.RoundTripper }

// losing closes the first so many connections that a request is given, after it was given
// them and before it is written.
func losing(t *testing.T, req *http.Request, s *server, connections int) *http.Request {
	n := 0
	return req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if n++; n > connections {
			return
		}
		s.CloseClientConnections()
		for end := time.Now().Add(10 * time.Second); !errors.Is(info.Conn.SetReadDeadline(time.Time{}), net.ErrClosed); runtime.Gosched() {
			if time.Now().After(end) {
				t.Error("the client has not seen the end of its connection")
				return
			}
		}
	}}))
}

// A server that goes away while a request is on its way to a connection gets that on
// another one: once, and as it would have been on the first.
func TestConnectionLostBeforeTheRequest(t *testing.T) {
	type sent struct {
		length int64
		coding []string
	}
	for _, http2 := range []bool{true, false} {
		for name, base := range around {
			for _, secure := range []bool{true, false} {
				for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH"} {
					if http2 && !secure || !http2 && !repeats(method) { // which net/http would not do
						continue
					}
					t.Run(fmt.Sprintf("%s/HTTP2 %v/TLS %v/%s", name, http2, secure, method), func(t *testing.T) {
						got := make(chan sent, 10)
						s := serve(t, func(w http.ResponseWriter, r *http.Request) {
							got <- sent{r.ContentLength, r.TransferEncoding}
							fine(w, r)
						}, func(s *httptest.Server) {
							s.EnableHTTP2 = http2
							if secure {
								s.TLS = new(tls.Config)
							}
						})
						inner := s.Client().Transport
						tr := &retryhttp.Transport{Base: base(inner), Retrier: quick(t, retry.Config{})}
						c := &http.Client{Transport: tr}
						require.Equal(t, "fine", get(t, c, s.URL))
						<-got
						req, err := http.NewRequestWithContext(t.Context(), method, s.URL, nil)
						require.NoError(t, err)
						resp, err := c.Do(losing(t, req, s, 1))
						require.NoError(t, err)
						_ = read(t, resp)
						require.Equal(t, int64(2), s.requests.Load(), "the first, and this one")
						want := sent{}
						if http2 && !repeats(method) && name != "copying" {
							want.length = -1 // its end comes after its header
						}
						require.Equal(t, want, <-got)
					})
				}
			}
		}
	}
}

func repeats(method string) bool { return method == "GET" || method == "HEAD" }

// Whatever is lost, nobody panics, and a request with a body or a signature goes out no
// more often than there are attempts.
func TestConnectionsLostBeforeTheRequest(t *testing.T) {
	for _, http2 := range []bool{true, false} {
		for _, lost := range []int{1, 2, 3} {
			for _, signed := range []bool{false, true} {
				for _, method := range []string{"GET", "DELETE", "POST"} {
					for _, body := range []string{"", "amount=17"} {
						t.Run(fmt.Sprintf("HTTP2 %v/%d lost/signed %v/%s %s", http2, lost, signed, method, body), func(t *testing.T) {
							s := serve(t, fine, func(s *httptest.Server) { s.EnableHTTP2, s.TLS = http2, new(tls.Config) })
							tr := &retryhttp.Transport{Base: s.Client().Transport, Retrier: quick(t, retry.Config{})}
							if signed {
								tr.Sign = func(*http.Request) error { return nil }
							}
							c := &http.Client{Transport: tr}
							require.Equal(t, "fine", get(t, c, s.URL))
							var in io.Reader
							if body != "" {
								in = strings.NewReader(body)
							}
							req, err := http.NewRequestWithContext(t.Context(), method, s.URL, in)
							require.NoError(t, err)
							resp, err := c.Do(losing(t, req, s, lost))
							if err == nil {
								require.Equal(t, "fine", read(t, resp))
								require.Equal(t, int64(2), s.requests.Load())
							} else {
								errorOf(t, err)
								require.Equal(t, int64(1), s.requests.Load())
							}
						})
					}
				}
			}
		}
	}
}

// around is what may be around a transport of net/http.
var around = map[string]func(http.RoundTripper) http.RoundTripper{
	"net/http": func(rt http.RoundTripper) http.RoundTripper { return rt },
	"wrapped":  func(rt http.RoundTripper) http.RoundTripper { return wrapped{rt} },
	"copying":  func(rt http.RoundTripper) http.RoundTripper { return copying{rt} },
}

// copying is a transport of somebody else's, such as one that traces: it sends a copy of
// the request, as http.RoundTripper asks for.
type copying struct{ next http.RoundTripper }

func (c copying) RoundTrip(req *http.Request) (*http.Response, error) {
	return c.next.RoundTrip(req.Clone(req.Context()))
}

// HTTP/2 repeats whatever is around it, and without TLS no connection tells that it is that.
// An http.Client with a Timeout sets Request.Cancel.
func TestUnprocessedWhateverIsAround(t *testing.T) {
	for name, wrap := range around {
		for said, server := range refusals {
			for _, timeout := range []time.Duration{0, 10 * time.Second} {
				for _, signed := range []bool{false, true} {
					for _, method := range []string{"GET", "DELETE", "POST", "PUT"} {
						each := 1
						if method == "GET" && !signed {
							each = 2
						}
						if name == "copying" && each == 2 && said != "GOAWAY" { // which net/http waits a second for
							continue
						}
						t.Run(fmt.Sprintf("%s/%s/Timeout %v/signed %v/%s", name, said, timeout, signed, method), func(t *testing.T) {
							s, base := server(t)
							tr := &retryhttp.Transport{Base: wrap(base), Retrier: quick(t, retry.Config{})}
							if signed {
								tr.Sign = func(*http.Request) error { return nil }
							}
							req, err := http.NewRequestWithContext(t.Context(), method, s.URL, nil)
							require.NoError(t, err)
							_, err = (&http.Client{Transport: tr, Timeout: timeout}).Do(req)
							e := errorOf(t, err)
							require.Equal(t, each*e.Attempts, int(s.Streams.Load()), "%v", e)
							require.NotErrorIs(t, e, retry.ErrCanceled)
						})
					}
				}
			}
		}
	}
}

// refusals are servers that process nothing, and transports of net/http to them.
var refusals = map[string]func(*testing.T) (*refusing.Server, http.RoundTripper){
	"GOAWAY": func(t *testing.T) (*refusing.Server, http.RoundTripper) {
		s := refusing.GoesAway(t)
		return s, s.Client().Transport
	},
	"refused": func(t *testing.T) (*refusing.Server, http.RoundTripper) {
		s := refusing.Streams(t)
		return s, s.Client().Transport
	},
	"refused without TLS": func(t *testing.T) (*refusing.Server, http.RoundTripper) {
		return refusing.Plain(t), unencrypted(t)
	},
	"refused in a tunnel": func(t *testing.T) (*refusing.Server, http.RoundTripper) {
		base := unencrypted(t)
		base.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return tunnel{conn}, err
		}
		return refusing.Plain(t), base
	},
}

// unencrypted is a transport that speaks HTTP/2 without TLS.
func unencrypted(t *testing.T) *http.Transport {
	base := &http.Transport{Protocols: new(http.Protocols)}
	base.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(base.CloseIdleConnections)
	return base
}

// A tunnel is a connection with TLS of its own, of which net/http knows nothing.
type tunnel struct{ net.Conn }

func (tunnel) ConnectionState() tls.ConnectionState { return tls.ConnectionState{} }

// A server that hangs up on every connection that was kept gets a request on two of them,
// however many there are.
func TestReplaysOverHTTP1(t *testing.T) {
	for _, name := range []string{"net/http", "wrapped"} {
		t.Run(name, func(t *testing.T) {
			var got atomic.Int32
			base := &http.Transport{MaxIdleConnsPerHost: 20}
			defer base.CloseIdleConnections()
			c, url := &http.Client{Transport: &retryhttp.Transport{Base: around[name](base), Retrier: quick(t, retry.Config{})}}, hangsUp(t, &got)
			var open []*http.Response
			for range 20 {
				resp, err := c.Get(url)
				require.NoError(t, err)
				open = append(open, resp)
			}
			for _, resp := range open {
				require.Equal(t, "{}", read(t, resp))
			}
			got.Store(0)
			_, err := c.Get(url)
			e := errorOf(t, err)
			require.Equal(t, 4, e.Attempts)
			require.EqualValues(t, 2*e.Attempts, got.Load())
		})
	}
}
