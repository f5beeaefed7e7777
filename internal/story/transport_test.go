package story_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A bank that says nothing is waited for as long as one attempt may take.
func TestASilentBankCostsAnAttempt(t *testing.T) {
	t.Parallel()
	const timeout = time.Second
	silent := setup{virtual: true, policies: policies(t, policy.Table{AttemptTimeout: timeout})}
	t.Run("once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, began := open(t, silent), time.Now()
			w.bank.Script(fault{Hang: true})
			w.meets(waits, "", w.call())
			require.InDelta(t, timeout, time.Since(began), float64(10*time.Millisecond), "and the resend")
		})
	})
	t.Run("always", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := open(t, silent)
			end := w.bank.AddRule(nexpaytest.Rule{Fault: fault{Hang: true}})
			w.staysWith(waits, "", w.call(), end)
		})
	})
}

// Nothing was written, so nothing can have happened.
func TestNoConnectionMeansNotApplied(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		w := open(t, setup{})
		w.client.BaseURL = "http://127.0.0.1:1" // where nobody listens
		e := w.unsent(w.call())
		require.Equal(t, retry.ErrAttempts, e.Reason)
		require.Equal(t, classify.Retryable, e.Verdict.Class)
		require.Equal(t, 4, e.Attempts)
		require.Equal(t, 0, w.spare())
	})
	t.Run("certificate", func(t *testing.T) {
		t.Parallel()
		w := open(t, setup{})
		server := httptest.NewUnstartedServer(w.bank.Handler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the handshake
		server.StartTLS()
		defer server.Close()
		w.client.BaseURL = server.URL
		e := w.unsent(w.call())
		require.Equal(t, retry.ErrFatal, e.Reason)
		require.Equal(t, classify.Fatal, e.Verdict.Class)
		require.Equal(t, 1, e.Attempts)
		require.Equal(t, limit-1, w.spare(), "no sign of life")
	})
}

// unsent is the error of a call of which the bank has seen nothing.
func (w *world) unsent(err error) *retry.Error {
	w.t.Helper()
	e, ok := errors.AsType[*retry.Error](err)
	require.True(w.t, ok, "%v", err)
	require.Equal(w.t, classify.NotApplied, e.Verdict.Effect)
	w.sent(0)
	return e
}

// A caller who hangs up has learnt nothing about the server.
func TestCancellingMeansNothingToTheBreaker(t *testing.T) {
	t.Parallel()
	w := open(t, setup{})
	why := errors.New("the user went home")
	ctx, cancel := context.WithCancelCause(t.Context())
	end := w.bank.AddRule(nexpaytest.Rule{
		Match: func(nexpaytest.Request) bool { cancel(why); return true },
		Fault: fault{Hang: true},
	})
	err := w.callIn(ctx)
	for _, target := range []error{retry.ErrCanceled, context.Canceled, why} {
		require.ErrorIs(t, err, target)
	}
	w.sent(1)
	require.Equal(t, limit-1, w.spare())
	end()
	require.ErrorIs(t, w.callIn(ctx), retry.ErrCanceled)
	w.sent(0)
	require.NoError(t, w.call())
	w.sent(1)
}

// A pool of one connection is enough for any number of attempts: answers are
// read to their end, or the connection is given up, before the next.
func TestOneConnectionIsEnough(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault fault
		dials int
	}{
		{"small answers", fault{Code: "-32603"}, 1},
		{"large answers", fault{Status: 503, Body: bytes.Repeat([]byte("x"), 60<<10)}, 1},
		{"answers beyond what is read", fault{Status: 503, Body: bytes.Repeat([]byte("x"), 1<<20)}, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var dials atomic.Int32
			w := open(t, setup{transport: func(rt http.RoundTripper) http.RoundTripper {
				tcp := rt.(*http.Transport)
				tcp.MaxConnsPerHost = 1
				tcp.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
					dials.Add(1)
					return new(net.Dialer).DialContext(ctx, network, addr)
				}
				return tcp
			}})
			w.bank.Script(tt.fault, tt.fault, tt.fault)
			require.NoError(t, w.call())
			require.EqualValues(t, tt.dials, dials.Load())
		})
	}
}
