package nexpay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/refusing"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/retry"
)

// sends are the requests that net/http would send again by itself, and one that
// it would not.
var sends = map[string]struct {
	method string
	params nexpay.Form
	header string // that tells net/http it may repeat the request
}{
	"GET":                         {http.MethodGet, nexpay.Form{{Name: "a", Value: "b"}}, ""},
	"DELETE":                      {http.MethodDelete, nil, ""},
	"POST, no body":               {http.MethodPost, nil, ""},
	"POST, with body":             {http.MethodPost, nexpay.Form{{Name: "a", Value: "b"}}, ""},
	"POST, said to be idempotent": {http.MethodPost, nil, "Idempotency-Key"},
}

// request makes the named one of sends.
func request(t *testing.T, c *nexpay.Client, ctx context.Context, name string) *http.Request {
	t.Helper()
	s := sends[name]
	req, err := c.NewRequest(ctx, s.method, "/x", s.params)
	require.NoError(t, err)
	if s.header != "" {
		req.Header.Set(s.header, "1")
	}
	return req
}

// A server that says of every request that it did nothing with it would otherwise get
// one that is signed again and again.
func TestOneSendOverHTTP2(t *testing.T) {
	for said, start := range map[string]func(testing.TB) *refusing.Server{"refused": refusing.Streams, "GOAWAY": refusing.GoesAway} {
		for name := range sends {
			t.Run(said+"/"+name, func(t *testing.T) {
				server := start(t)
				c := &nexpay.Client{BaseURL: server.URL, Signer: signer(t, golden), HTTP: server.Client()}
				ctx, cancel := context.WithTimeout(withNonce(t.Context(), 7), 5*time.Second)
				defer cancel()
				err := c.Do(request(t, c, ctx, name), nil)
				require.ErrorContains(t, err, "the server has not processed the request (HTTP/2 says so)")
				require.NotContains(t, err.Error(), "a=b")
				require.NoError(t, ctx.Err(), "it came to an end by itself")
				require.EqualValues(t, 1, server.Streams.Load(), "sends with one nonce")
				v := classify.Nexpay().Classify(err)
				require.Equal(t, classify.Retryable, v.Class)
				require.Equal(t, classify.NotApplied, v.Effect)
			})
		}
	}
}

// copying is a transport of somebody else's, such as one that traces: it sends a copy of
// the request, as http.RoundTripper asks for.
type copying struct{ next http.RoundTripper }

func (c copying) RoundTrip(req *http.Request) (*http.Response, error) {
	return c.next.RoundTrip(req.Clone(req.Context()))
}

// HTTP/2 without TLS repeats as well, and no connection tells that it is that, least of all
// through a transport of somebody else's. An http.Client with a Timeout sets Request.Cancel.
func TestOneSendOverHTTP2WithoutTLS(t *testing.T) {
	for around, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"net/http": func(rt http.RoundTripper) http.RoundTripper { return rt },
		"wrapped":  func(rt http.RoundTripper) http.RoundTripper { return roundTrip(rt.RoundTrip) },
		"copying":  func(rt http.RoundTripper) http.RoundTripper { return copying{rt} },
	} {
		for _, timeout := range []time.Duration{0, 5 * time.Second} {
			for name := range sends {
				t.Run(fmt.Sprintf("%s/Timeout %v/%s", around, timeout, name), func(t *testing.T) {
					server := refusing.Plain(t)
					base := &http.Transport{Protocols: new(http.Protocols)}
					base.Protocols.SetUnencryptedHTTP2(true)
					defer base.CloseIdleConnections()
					c := &nexpay.Client{BaseURL: server.URL, Signer: signer(t, golden), HTTP: &http.Client{Transport: wrap(base), Timeout: timeout}}
					ctx, cancel := context.WithTimeout(withNonce(t.Context(), 7), 5*time.Second)
					defer cancel()
					err := c.Do(request(t, c, ctx, name), nil)
					require.Error(t, err)
					require.NoError(t, ctx.Err(), "it came to an end by itself")
					require.EqualValues(t, 1, server.Streams.Load(), "sends with one nonce")
					require.NotErrorIs(t, err, context.Canceled, "nobody wished that")
					require.Equal(t, classify.Retryable, classify.Nexpay().Classify(err).Class)
				})
			}
		}
	}
}

// A payment does not count on that: what stands between may have sent another copy.
func TestRefusedStreamIsNoProofToAPayment(t *testing.T) {
	server := refusing.Streams(t)
	c := &nexpay.Client{BaseURL: server.URL, Signer: signer(t, golden), HTTP: server.Client()}
	r, err := retry.New(retry.Config{})
	require.NoError(t, err)
	_, err = retry.DoOnce(t.Context(), r, retry.Operation[int]{ID: "inv-7", Send: func(ctx context.Context) (int, error) {
		return 1, c.Do(request(t, c, withNonce(ctx, 7), "POST, with body"), nil)
	}})
	require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
	require.EqualValues(t, 1, server.Streams.Load())
}

// A server that goes away when the connection was chosen, and the request not yet
// written: nobody panics, and what net/http sends on another one is the only copy.
func TestConnectionLostBeforeTheRequest(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for name := range sends {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", name, http2), func(t *testing.T) {
				var got atomic.Int32
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					got.Add(1)
					_, _ = io.WriteString(w, "{}")
				}))
				server.EnableHTTP2 = http2
				server.StartTLS()
				defer server.Close()
				c := &nexpay.Client{BaseURL: server.URL, Signer: signer(t, golden), HTTP: server.Client()}
				_, err := c.AccountStatus(withNonce(t.Context(), 7))
				require.NoError(t, err)
				lost := false
				ctx := httptrace.WithClientTrace(withNonce(t.Context(), 8), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
					if lost {
						return
					}
					lost = true
					server.CloseClientConnections()
					for end := time.Now().Add(10 * time.Second); !errors.Is(info.Conn.SetReadDeadline(time.Time{}), net.ErrClosed); runtime.Gosched() {
						if time.Now().After(end) {
							t.Error("the client has not seen the end of its connection")
							return
						}
					}
				}})
				err = c.Do(request(t, c, ctx, name), nil)
				require.True(t, lost)
				if err == nil {
					require.EqualValues(t, 2, got.Load())
				} else {
					require.EqualValues(t, 1, got.Load())
				}
				if http2 && name == "POST, no body" {
					require.NoError(t, err, "it can go elsewhere")
				}
			})
		}
	}
}

// A server that hangs up on a kept-alive connection, having taken the second
// request, gets it on no other connection.
func TestOneSendOverHTTP1(t *testing.T) {
	for name := range sends {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Int32
			base := rawServer(t, func(conn net.Conn, first *http.Request) {
				sent.Add(1)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				if _, err := readRequest(conn); err == nil {
					sent.Add(1)
				}
			})
			transport := new(http.Transport)
			defer transport.CloseIdleConnections()
			c := &nexpay.Client{BaseURL: base, Signer: signer(t, golden), HTTP: &http.Client{Transport: transport}}
			_, err := c.AccountStatus(withNonce(t.Context(), 7))
			require.NoError(t, err)
			err = c.Do(request(t, c, withNonce(t.Context(), 8), name), nil)
			require.Error(t, err)
			require.EqualValues(t, 2, sent.Load(), "one of either call")
			require.Equal(t, classify.Unknown, classify.Nexpay().Classify(err).Effect)
		})
	}
}

// What keeps net/http from resending changes nothing of what a server gets.
func TestRequestsOnTheWire(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for name, s := range sends {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", name, http2), func(t *testing.T) {
				var got *http.Request
				var body []byte
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					got = r
					body, _ = io.ReadAll(r.Body)
					_, _ = io.WriteString(w, "{}")
				}))
				server.EnableHTTP2 = http2
				server.StartTLS()
				defer server.Close()
				c := &nexpay.Client{BaseURL: server.URL, Signer: signer(t, golden), HTTP: server.Client()}
				require.NoError(t, c.Do(request(t, c, withNonce(t.Context(), 7), name), nil))
				require.Equal(t, http2, got.ProtoMajor == 2)
				require.Equal(t, s.method, got.Method)
				if s.method == http.MethodPost {
					require.Equal(t, s.params.Encode(), string(body))
					return
				}
				require.Empty(t, body)
				require.Empty(t, got.TransferEncoding)
				require.Equal(t, http2, got.ContentLength < 0, "over HTTP/1 a GET has no body at all")
			})
		}
	}
}
