package reports_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// quick are the default policies with waits of a millisecond.
func quick(t *testing.T) *policy.Set {
	t.Helper()
	set, err := policy.Nexpay().With(policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: time.Millisecond, Max: time.Millisecond}}})
	require.NoError(t, err)
	return set
}

func retrier(t *testing.T, b *breaker.Breaker) *retry.Retrier {
	t.Helper()
	r, err := retry.New(retry.Config{Policies: quick(t), Breaker: b})
	require.NoError(t, err)
	return r
}

// touchy opens after three failures in a row.
func touchy(t *testing.T) *breaker.Breaker {
	t.Helper()
	b, err := breaker.New(breaker.Config{ConsecutiveFailures: 3, OpenFor: time.Minute, MaxOpenFor: time.Hour})
	require.NoError(t, err)
	return b
}

// through is a client whose requests go through retryhttp.
func through(t *testing.T, r *retry.Retrier, base *http.Transport, change ...func(*retryhttp.Transport)) *http.Client {
	t.Helper()
	if base == nil {
		base = &http.Transport{}
	}
	t.Cleanup(base.CloseIdleConnections)
	transport := &retryhttp.Transport{Retrier: r, Base: base}
	for _, f := range change {
		f(transport)
	}
	return &http.Client{Transport: transport}
}

// plain is a client of package net/http that refuses redirects.
func plain(t *testing.T, base *http.Transport) *http.Client {
	t.Helper()
	if base == nil {
		base = &http.Transport{}
	}
	t.Cleanup(base.CloseIdleConnections)
	return &http.Client{Transport: base, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func post(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("amount=5&externalPaymentId=inv-7"))
	require.NoError(t, err)
	return req
}

// payOnce sends one payment by DoOnce with a plain client, and nobody to look it up.
func payOnce(t *testing.T, r *retry.Retrier, c *http.Client, make func(context.Context) *http.Request) error {
	t.Helper()
	_, err := retry.DoOnce(t.Context(), r, retry.Operation[string]{
		ID: "inv-7", Settle: 50 * time.Millisecond, GiveUp: 300 * time.Millisecond,
		Send: func(ctx context.Context) (string, error) {
			resp, err := c.Do(make(ctx))
			if err != nil {
				return "", err
			}
			var answer struct{ PaymentID string }
			return answer.PaymentID, classify.ReadJSON(resp, &answer)
		},
	})
	return err
}

func once(req *http.Request) *http.Request {
	return retryhttp.OnceWith(req, retry.Operation[*http.Response]{ID: "inv-7", Settle: 50 * time.Millisecond, GiveUp: 300 * time.Millisecond})
}

func told(t *testing.T, err error) *retry.Error {
	t.Helper()
	require.Error(t, err)
	e, ok := errors.AsType[*retry.Error](err)
	require.True(t, ok, "%T: %v", err, err)
	return e
}

// nothingSent holds a call to the truth where no byte of its request was ever written.
func nothingSent(t *testing.T, err error) {
	t.Helper()
	e := told(t, err)
	require.NotErrorIs(t, err, retry.ErrOutcomeUnknown, "nothing was sent, so nothing can have happened: %v", err)
	require.Equal(t, classify.NotApplied, e.Effect, "%v", err)
}

// A wire is a server that writes what it is told, byte for byte, and keeps what it was sent.
type wire struct {
	net.Listener
	mu   sync.Mutex
	seen []string
}

// serve answers the n-th connection's only request with answer(n), n from 1.
func serve(t *testing.T, answer func(n int) string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{Listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				text := head(conn)
				w.mu.Lock()
				w.seen = append(w.seen, text)
				w.mu.Unlock()
				_, _ = io.WriteString(conn, answer(n))
				if c, ok := conn.(*net.TCPConn); ok {
					_ = c.CloseWrite()
				}
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return w
}

// head reads a request's head and what of its body came with it.
func head(conn net.Conn) string {
	var text strings.Builder
	b := make([]byte, 4096)
	for {
		n, err := conn.Read(b)
		text.Write(b[:n])
		if err != nil || strings.Contains(text.String(), "\r\n\r\n") {
			return text.String()
		}
	}
}

func (w *wire) url() string { return "http://" + w.Addr().String() }

func (w *wire) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.seen...)
}

func jsonAnswer(status int, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), len(body), body)
}

func response(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}
