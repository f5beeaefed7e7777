package breaker_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// Many goroutines do everything at once. There are never more probes out than there may be, and the changes heard are one
// unbroken chain. Calls are shorter than the shortest open time, a third of OpenFor, so a probe of one round never meets the next.
func TestHammer(t *testing.T) {
	const probes = 3
	synctest.Test(t, func(t *testing.T) {
		var (
			out, granted, rounds atomic.Int64
			state                = breaker.Closed // as the hook knows it; the hook runs one at a time
			inside               atomic.Bool
			wg                   sync.WaitGroup
		)
		b := newBreaker(t, breaker.Config{
			ConsecutiveFailures: 5, MinCalls: 10, Probes: probes,
			OpenFor: 200 * time.Millisecond, MaxOpenFor: 200 * time.Millisecond,
			OnStateChange: func(c breaker.StateChange) {
				if inside.Swap(true) {
					t.Error("two at a time")
				}
				if c.From != state {
					t.Errorf("a change from %v heard in %v", c.From, state)
				}
				if state = c.To; c.To == breaker.HalfOpen {
					rounds.Add(1)
				}
				inside.Store(false)
			},
		})
		call := func() {
			l, err := b.Acquire()
			if err != nil {
				time.Sleep(10 * time.Millisecond)
				return
			}
			if l.Probe() {
				granted.Add(1)
				if n := out.Add(1); n > probes {
					t.Errorf("%d probes out", n)
				}
			}
			time.Sleep(rand.N(50 * time.Millisecond))
			if l.Probe() {
				out.Add(-1)
			}
			var done sync.WaitGroup // two report; the first counts
			done.Go(func() { l.Done(breaker.Outcome(rand.N(6))) })
			l.Done(breaker.Outcome(rand.N(6)))
			done.Wait()
		}
		for range 16 {
			wg.Go(func() {
				for range 600 {
					switch rand.N(500) {
					case 0:
						b.Isolate("hammer")
						b.Reset()
					case 1:
						_, _ = b.State(), b.Check()
					default:
						call()
					}
				}
			})
		}
		wg.Wait()
		require.Greater(t, rounds.Load(), int64(3))
		require.Greater(t, granted.Load(), int64(3*probes))
		b.Reset()
		require.Equal(t, breaker.Closed, b.State())
	})
}

// One trip is one change, however many calls fail at the same instant.
func TestConcurrentFailuresTripOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSubject(t, breaker.Config{})
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range 3000 {
			l, err := s.b.Acquire()
			require.NoError(t, err)
			wg.Go(func() {
				<-start
				l.Done(breaker.Failure)
			})
		}
		close(start)
		wg.Wait()
		require.Len(t, s.changes, 1)
		require.Equal(t, breaker.Open, s.b.State())
	})
}

// A call that is let through because of a reset made at the same moment counts
// like any other after the reset.
func TestAcquireMeetsReset(t *testing.T) {
	const callers = 4
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: callers, OpenFor: time.Millisecond, Probes: 1})
		report(b, breaker.Trip)
		for range 3000 {
			time.Sleep(2 * time.Millisecond)
			_, err := b.Acquire() // the only probe
			require.NoError(t, err)
			var leases [callers]*breaker.Lease
			var wg sync.WaitGroup
			for i := range leases {
				wg.Go(func() {
					for n := 0; leases[i] == nil && n < 100_000; n++ {
						leases[i], _ = b.Acquire()
						runtime.Gosched()
					}
				})
			}
			runtime.Gosched()
			b.Reset()
			wg.Wait()
			for _, l := range leases {
				require.NotNil(t, l)
				require.Equal(t, breaker.Closed, b.State())
				l.Done(breaker.Failure)
			}
			require.Equal(t, breaker.Open, b.State())
		}
	})
}

// Nothing is counted twice or lost: with both triggers a call away, a hundred racing successes and failures hit the ratio
// exactly.
func TestConcurrentCountsAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 5000
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: -1, FailureRatio: 0.5, MinCalls: 4*each + 2})
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for n := range each {
					l, err := b.Acquire()
					if err != nil {
						t.Error(err)
						return
					}
					if l.Done([]breaker.Outcome{breaker.Success, breaker.Failure}[(i+n)%2]); n%100 == 0 {
						runtime.Gosched()
					}
				}
			})
		}
		wg.Wait()
		report(b, breaker.Failure)
		require.Equal(t, breaker.Closed, b.State(), "one call short")
		report(b, breaker.Failure)
		require.Equal(t, breaker.Open, b.State())
		require.ErrorContains(t, b.Check(), "10002 of 20002 calls failed")
	})
}
