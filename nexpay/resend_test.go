package nexpay_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/refusing"
	"github.com/nexpay-go/resilience/nexpay"
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

// A server that refuses every stream of HTTP/2 would otherwise get one signed
// request again and again.
func TestOneSendOverHTTP2(t *testing.T) {
	for name := range sends {
		t.Run(name, func(t *testing.T) {
			server := refusing.Streams(t)
			c := &nexpay.Client{BaseURL: server.URL, Signer: signer(t, golden), HTTP: server.Client()}
			ctx, cancel := context.WithTimeout(withNonce(t.Context(), 7), 5*time.Second)
			defer cancel()
			err := c.Do(request(t, c, ctx, name), nil)
			require.Error(t, err)
			require.NoError(t, ctx.Err(), "it came to an end by itself")
			require.EqualValues(t, 1, server.Streams.Load(), "sends with one nonce")
			v := classify.Nexpay().Classify(err)
			require.Equal(t, classify.Retryable, v.Class)
			require.Equal(t, classify.Unknown, v.Effect)
		})
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
