package breaker_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// Stats tells in every state how the breaker stands, and counts as no call.
func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSubject(t, breaker.Config{Name: "bank", ConsecutiveFailures: 3, Probes: 1, OpenFor: 3 * time.Second})
		made := time.Now()
		require.Equal(t, breaker.Stats{Name: "bank", Since: made}, s.b.Stats())

		calls(4, breaker.Success)(s)
		calls(2, breaker.Failure)(s)
		time.Sleep(time.Second)
		require.Equal(t, breaker.Stats{Name: "bank", Since: made, InARow: 2, Failures: 2, Calls: 6}, s.b.Stats())

		calls(1, breaker.Failure)(s)
		opened := time.Now()
		_, err := s.b.Acquire()
		require.ErrorIs(t, err, breaker.ErrOpen)
		for range 3 {
			got := s.b.Stats()
			require.WithinRange(t, got.Until, opened.Add(2*time.Second), opened.Add(3*time.Second))
			got.Until = time.Time{}
			require.Equal(t, breaker.Stats{
				Name: "bank", State: breaker.Open, Since: opened, Reason: "3 failures in a row", Refused: 1, RefusedInAll: 1, Transitions: 1,
			}, got)
		}

		time.Sleep(3 * time.Second)
		require.Equal(t, breaker.HalfOpen, s.b.Stats().State, "nobody has looked since, and its time is over")
		half := s.b.Stats().Since
		probe, err := s.b.Acquire()
		require.NoError(t, err)
		require.Error(t, s.b.Check())
		require.Equal(t, breaker.Stats{
			Name: "bank", State: breaker.HalfOpen, Since: half, Probes: 1, Refused: 1, RefusedInAll: 2, Transitions: 2,
		}, s.b.Stats())
		probe.Done(breaker.Success)
		require.Equal(t, breaker.Stats{Name: "bank", Since: time.Now(), RefusedInAll: 2, Transitions: 3}, s.b.Stats())

		s.b.Isolate("fire")
		require.Equal(t, breaker.Stats{
			Name: "bank", State: breaker.Open, Since: time.Now(), Isolated: true, Reason: "isolated: fire", RefusedInAll: 2, Transitions: 4,
		}, s.b.Stats())
	})
}

// A breaker that goes by failures in a row alone has no window.
func TestStatsWithoutARatio(t *testing.T) {
	s := newSubject(t, breaker.Config{FailureRatio: -1})
	calls(3, breaker.Failure)(s)
	got := s.b.Stats()
	require.Equal(t, 3, got.InARow)
	require.Zero(t, got.Calls)
}

// Who reads Stats, a collection of metrics say, may hold locks that the hook waits for, and is
// not ended by it: it runs in a goroutine of its own.
func TestStatsRunsNoHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []breaker.State
		collecting := make(chan struct{}, 1)
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, OnStateChange: func(c breaker.StateChange) {
			if c.To == breaker.HalfOpen {
				defer runtime.Goexit()
				collecting <- struct{}{}
			}
			told = append(told, c.To)
		}})
		l, err := b.Acquire()
		require.NoError(t, err)
		l.Done(breaker.Failure)
		time.Sleep(time.Hour)
		collecting <- struct{}{}
		require.Equal(t, breaker.HalfOpen, b.Stats().State)
		<-collecting
		synctest.Wait()
		require.Equal(t, []breaker.State{breaker.Open, breaker.HalfOpen}, told)
	})
}
