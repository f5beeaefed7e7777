package nexpay_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
)

func TestNewRequest(t *testing.T) {
	form := nexpay.Form{{Name: "b", Value: "x y"}, {Name: "a", Value: "1"}}
	for _, tt := range []struct {
		base, method, path string
		params             nexpay.Form
		url, body          string
	}{
		{"https://h", "GET", "/api/1/x", nil, "https://h/api/1/x", ""},
		{"https://h/", "GET", "/api/1/x", form, "https://h/api/1/x?b=x+y&a=1", ""},
		{"http://h:81/prefix/", "", "/x", form, "http://h:81/prefix/x?b=x+y&a=1", ""},
		{"https://h", "DELETE", "/x", form, "https://h/x?b=x+y&a=1", ""},
		{"https://h", "POST", "/x", form, "https://h/x", "b=x+y&a=1"},
		{"https://h", "POST", "/x", nil, "https://h/x", ""},
		{"https://h", "GET", "/a%2Fb", nil, "https://h/a%2Fb", ""},
	} {
		c := &nexpay.Client{BaseURL: tt.base}
		req, err := c.NewRequest(t.Context(), tt.method, tt.path, tt.params)
		require.NoError(t, err)
		require.Equal(t, tt.url, req.URL.String())
		var body []byte
		if req.Body != nil {
			body, err = io.ReadAll(req.Body)
			require.NoError(t, err)
		}
		require.Equal(t, tt.body, string(body))
		require.Equal(t, tt.method == "POST", req.Header.Get("Content-Type") == "application/x-www-form-urlencoded")
	}
}

func TestNewRequestReportsEverything(t *testing.T) {
	for _, tt := range []struct {
		base, method, path string
		want               []string
	}{
		{"", "GET", "x?zzz=1", []string{"BaseURL is empty", "path must begin"}},
		{"ftp://zzz", "GET", "/x", []string{"not an http or https URL"}},
		{"https://user:zzz@h", "GET", "/x", []string{"more than a scheme, a host and a path"}},
		{"https://user:zzz@h:port", "GET", "/x", []string{"not an http or https URL"}},
		{"https://h?zzz", "GET", "/x#zzz", []string{"more than", "path must begin"}},
		{"https://h#", "GET", "/x", []string{"more than"}},
		{"https://h?", "GET", "/x", []string{"more than"}},
		{"https://h", "GET", "/x\r\nzzz", []string{"not properly encoded"}},
		{"https://h", "GET", "/%zzz", []string{"not properly encoded"}},
		{"https://h", "G T", "/x", []string{"method is not an HTTP token"}},
	} {
		_, err := (&nexpay.Client{BaseURL: tt.base}).NewRequest(t.Context(), tt.method, tt.path, nil)
		for _, want := range tt.want {
			require.ErrorContains(t, err, want)
		}
		require.NotContains(t, err.Error(), "zzz")
	}
	var missing context.Context
	_, err := (&nexpay.Client{BaseURL: "https://h"}).NewRequest(missing, "GET", "/x", nil)
	require.Error(t, err)
}

func TestDoReadsTheAnswer(t *testing.T) {
	get := func(rt http.RoundTripper, v any) error {
		c := client(t, rt)
		req, err := c.NewRequest(withNonce(t.Context(), 7), "GET", "/x", nil)
		require.NoError(t, err)
		return c.Do(req, v)
	}
	var v struct{ A int }
	require.NoError(t, get(reply(200, `{"A":1}`), &v))
	require.Equal(t, 1, v.A)
	require.NoError(t, get(reply(200, ""), nil))

	err := get(reply(403, `{"errors":[{"code":50,"message":"Nonce is not monotonous"}],"traceId":"5f2c"}`), nil)
	e, ok := errors.AsType[*classify.Error](err)
	require.True(t, ok)
	require.Equal(t, "5f2c", e.TraceID)
	require.Equal(t, classify.Resync, classify.Nexpay().Classify(err).Class)

	verdict := classify.Nexpay().Classify(get(reply(200, "<html>"), &v))
	require.Equal(t, classify.Fatal, verdict.Class, "the next one would be the same")
	require.Equal(t, classify.Unknown, verdict.Effect)
}

func TestDoSendsNothingUnsigned(t *testing.T) {
	sent := 0
	rt := roundTrip(func(req *http.Request) (*http.Response, error) { sent++; return reply(200, "{}")(req) })
	c := client(t, rt)
	_, err := c.AccountStatus(t.Context())
	require.ErrorIs(t, err, nexpay.ErrNoTicket)
	c.Signer = nil
	_, err = c.AccountStatus(withNonce(t.Context(), 1))
	require.ErrorContains(t, err, "NewSigner")
	c.BaseURL = ""
	_, err = c.AccountStatus(withNonce(t.Context(), 1))
	require.ErrorContains(t, err, "BaseURL")
	require.Zero(t, sent)
}

func TestAccountStatus(t *testing.T) {
	raw, err := client(t, reply(200, `{"any":["thing"]}`)).AccountStatus(withNonce(t.Context(), 1))
	require.NoError(t, err)
	require.Equal(t, json.RawMessage(`{"any":["thing"]}`), raw)
}

// A server may try to have X-API-KEY and the signature carried elsewhere, or
// have them quoted in an error.
func TestRedirectsAreRefused(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, method := range []string{"GET", "POST"} {
			for _, location := range []string{"https://elsewhere.test/", "%zz-KEY"} {
				sends := 0
				own := &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
					sends++
					resp, _ := reply(status, "")(req)
					resp.Header.Set("Location", location+req.Header.Get("X-Signature"))
					return resp, nil
				})}
				c := client(t, nil)
				c.HTTP = own
				req, err := c.NewRequest(withNonce(t.Context(), 1), method, "/x", nil)
				require.NoError(t, err)
				err = c.Do(req, nil)
				e, ok := errors.AsType[*classify.Error](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, status, e.Status)
				require.Equal(t, 1, sends)
				require.NotContains(t, err.Error(), req.Header.Get("X-Signature"))
				require.Nil(t, own.CheckRedirect, "the caller's client stays as it is")
				require.IsType(t, roundTrip(nil), own.Transport)
			}
		}
	}
}

func TestOwnCheckRedirectIsKept(t *testing.T) {
	asked := 0
	c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		resp, _ := reply(302, "")(req)
		resp.Header.Set("Location", "/y")
		return resp, nil
	}))
	c.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { asked++; return http.ErrUseLastResponse }
	_, err := c.AccountStatus(withNonce(t.Context(), 1))
	require.Error(t, err)
	require.Equal(t, 1, asked)
}

// The client that is used when none is given, over real connections.
func TestDefaultClient(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/x" {
			http.Redirect(w, r, "/y", http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	defer server.Close() // which ends the idle connections as well
	c := &nexpay.Client{BaseURL: server.URL, Signer: signer(t, golden)}
	_, err := c.AccountStatus(withNonce(t.Context(), 1))
	require.NoError(t, err)
	req, err := c.NewRequest(withNonce(t.Context(), 2), "GET", "/x", nil)
	require.NoError(t, err)
	require.ErrorContains(t, c.Do(req, nil), "307")
}

// What a server writes instead of HTTP, and what it has seen of the request, may
// not come back in an error text; what is known of the connection may.
func TestErrorTextsOfBrokenExchanges(t *testing.T) {
	for _, tt := range []struct {
		name, answer string // KEY and SIGNATURE stand for what the request carried
		want         string
	}{
		{"no HTTP", "KEY SIGNATURE\r\n\r\n", "not HTTP"},
		{"no status", "HTTP/1.1 KEY SIGNATURE\r\n\r\n", "not HTTP"},
		{"no header", "HTTP/1.1 200 OK\r\nKEY SIGNATURE\r\n\r\n", "not HTTP"},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: KEYSIGNATURE\r\n\r\n", "not HTTP"},
		{"bad encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: KEYSIGNATURE\r\n\r\n", "not HTTP"},
		{"nothing", "", "EOF"},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"KEY\":\"SIGNATURE", ""},
		{"body that is none", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nKEY", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var signature string
			base := rawServer(t, func(conn net.Conn, req *http.Request) {
				signature = req.Header.Get("X-Signature")
				_, _ = io.WriteString(conn, strings.NewReplacer("KEY", req.Header.Get("X-API-KEY"), "SIGNATURE", signature).Replace(tt.answer))
			})
			c := client(t, nil)
			transport := &http.Transport{DisableKeepAlives: true}
			c.BaseURL, c.HTTP = base, &http.Client{Transport: transport}
			_, err := c.PaymentByExternalID(withNonce(t.Context(), 1), "zzz-order")
			require.Error(t, err)
			require.Contains(t, err.Error(), tt.want)
			for v := range 3 {
				text := fmt.Sprintf([]string{"%v", "%+v", "%q"}[v], err)
				require.NotContains(t, text, "AK-1")
				require.NotContains(t, text, "zzz")
				require.NotContains(t, text, signature)
			}
			verdict := classify.Nexpay().Classify(err)
			require.Equal(t, tt.name == "body that is none", verdict.Class == classify.Fatal, "%v", err)
			require.Equal(t, classify.Unknown, verdict.Effect)
		})
	}
}

// rawServer answers each request with whatever the function writes, and hangs up.
func rawServer(t *testing.T, answer func(net.Conn, *http.Request)) (base string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if req, err := readRequest(conn); err == nil {
				answer(conn, req)
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return "http://" + listener.Addr().String()
}

func readRequest(conn net.Conn) (*http.Request, error) {
	var head []byte
	for buf := make([]byte, 4096); !bytes.Contains(head, []byte("\r\n\r\n")); {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		head = append(head, buf[:n]...)
	}
	req := &http.Request{Header: http.Header{}}
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			req.Header.Set(name, value)
		}
	}
	return req, nil
}

func TestUnansweredKeepsTheChain(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	boom := errors.New("boom AK-1")
	cause := errors.New("shutting down")
	canceled, cancel := context.WithCancelCause(withNonce(t.Context(), 1))
	cancel(cause)
	expired, stop := context.WithDeadline(withNonce(t.Context(), 1), time.Unix(1, 0))
	defer stop()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		err  error
		text string
	}{
		{"refused", nil, refused, "dial tcp: connection refused"},
		{"unknown", nil, boom, "no details"},
		{"timeout", nil, context.DeadlineExceeded, ": timeout of the http.Client"},
		{"deadline", expired, context.DeadlineExceeded, ": context deadline exceeded"},
		{"canceled", canceled, context.Canceled, "context canceled"},
		{"the failure of another call", canceled, cause, "context canceled"},
		{"certificate", nil, &tls.CertificateVerificationError{Err: errors.New("bad\n AK-1")}, "failed to verify certificate: certificate not accepted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := tt.ctx
			if ctx == nil {
				ctx = withNonce(t.Context(), 1)
			}
			_, err := client(t, roundTrip(func(*http.Request) (*http.Response, error) { return nil, tt.err })).PaymentByExternalID(ctx, "zzz")
			if tt.err == cause { // it says nothing about this call
				require.NotErrorIs(t, err, cause)
				require.ErrorIs(t, err, context.Canceled)
			} else {
				require.ErrorIs(t, err, tt.err)
			}
			ue, ok := errors.AsType[*url.Error](err)
			require.True(t, ok)
			require.Equal(t, "https://bank.test/api/1/eurowallet/payments/status", ue.URL)
			require.Contains(t, err.Error(), tt.text)
			require.NotContains(t, err.Error(), "AK-1")
			require.NotContains(t, err.Error(), "zzz")
			require.NotContains(t, err.Error(), "\n")
			require.Less(t, len(err.Error()), 400)
			require.Equal(t, tt.err == context.DeadlineExceeded, ue.Timeout())
		})
	}
}

func TestClientTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, context.Cause(req.Context())
		}))
		c.HTTP.Timeout = 3 * time.Second
		start := time.Now()
		_, err := c.AccountStatus(withNonce(t.Context(), 1))
		require.Equal(t, 3*time.Second, time.Since(start))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, ": timeout of the http.Client")
		require.NoError(t, t.Context().Err(), "no context of the caller's ended")
		ue, _ := errors.AsType[*url.Error](err)
		require.True(t, ue.Timeout())
	})
}

// Request.Cancel is deprecated, and a wish of the caller's all the same.
func TestRequestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, timeout := range []time.Duration{0, 3 * time.Second} {
			c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}))
			c.HTTP.Timeout = timeout
			req, err := c.NewRequest(withNonce(t.Context(), 7), http.MethodGet, "/x", nil)
			require.NoError(t, err)
			wish := make(chan struct{})
			//lint:ignore SA1019 callers still set it
			req.Cancel = wish
			time.AfterFunc(time.Second, func() { close(wish) })
			start := time.Now()
			err = c.Do(req, nil)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorContains(t, err, "context canceled")
			require.Equal(t, time.Second, time.Since(start))
		}
	})
}
