package story_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// Of all who wait for the key when it is locked, one finds out.
func TestALockedKeyIsTriedOnce(t *testing.T) {
	t.Parallel()
	w := open(t, setup{})
	w.bank.SetState(testKey.ID, nexpaytest.Locked)
	w.refusals = []classify.Code{"100"}
	reasons := w.crowd(20)
	w.sent(1)
	require.Equal(t, map[error]int{retry.ErrFatal: 1, retry.ErrLockedOut: 19}, reasons)

	w.bank.SetState(testKey.ID, nexpaytest.Enabled)
	require.ErrorIs(t, w.call(), retry.ErrLockedOut, "a person has to say so")
	w.sent(0)
	require.True(t, w.retrier.Lockout().Unlock(w.lane.Key()))
	require.NoError(t, w.call())
	w.sent(1)
}

// In a total outage the breaker lets no more through than it takes to notice.
func TestAnOutageIsNoticedOnce(t *testing.T) {
	t.Parallel()
	w := open(t, setup{})
	w.bank.AddRule(nexpaytest.Rule{Fault: fault{HTML: true}})
	reasons := w.crowd(20)
	w.sent(limit - 1) // one came before
	require.Equal(t, 20, reasons[retry.ErrOpen]+reasons[retry.ErrAttempts])
}

// Whatever goes wrong on the way, the nonces of a crowd arrive in order. Connections
// serve once here: a GET that finds a kept one dead is sent again by package net/http
// itself, same nonce and all, and refused with code 50.
func TestTheNoncesOfACrowdRise(t *testing.T) {
	t.Parallel()
	w := open(t, setup{transport: func(tcp http.RoundTripper) http.RoundTripper {
		tcp.(*http.Transport).DisableKeepAlives = true
		return tcp
	}})
	var err error
	w.retrier, err = retry.New(retry.Config{Nonces: w.lane, Policies: policies(t, policy.Table{}), Budget: retry.NoBudget()})
	require.NoError(t, err)
	for _, f := range []fault{{Code: "-32603"}, {Code: "50"}, {Reset: true}, {HTML: true}} {
		w.bank.AddRule(nexpaytest.Rule{Share: 0.08, Fault: f})
	}
	w.crowd(60)
	sends := len(w.bank.Requests())
	require.Greater(t, sends, 60, "some were sent again")
	w.sent(sends)
}

// crowd makes n calls at once and counts why they ended.
func (w *world) crowd(n int) map[error]int {
	w.t.Helper()
	var mu sync.Mutex // guards reasons
	reasons := map[error]int{}
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			err := w.call()
			mu.Lock()
			defer mu.Unlock()
			if e, ok := errors.AsType[*retry.Error](err); ok {
				err = e.Reason
			}
			reasons[err]++
		})
	}
	all.Wait()
	return reasons
}
