package breaker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// slow makes n calls that end in o after d.
func slow(n int, d time.Duration, o breaker.Outcome) func(*subject) {
	return func(s *subject) {
		s.Helper()
		for range n {
			l, err := s.b.Acquire()
			require.NoError(s, err)
			time.Sleep(d)
			l.Done(o)
		}
	}
}

func TestSlowCallsAreFailures(t *testing.T) {
	const limit = 2 * time.Second
	for name, steps := range map[string][]step{
		"a success that took too long is a failure": {
			{slow(2, limit, breaker.Success), breaker.Closed},
			{slow(1, limit+time.Millisecond, breaker.Success), breaker.Open},
			{refusedFor("3 failures in a row, the last: took 2.001s", 3*time.Second), breaker.Open},
		},
		"a nanosecond less is none": {
			{slow(100, limit-1, breaker.Success), breaker.Closed},
		},
		"one that nothing was learnt from still teaches nothing": {
			{slow(100, time.Hour, breaker.Ignored), breaker.Closed},
		},
		"a failure is one however long it took": {
			{all(slow(2, limit, breaker.Failure), slow(1, 0, breaker.Failure)), breaker.Open},
		},
		"a slow probe fails": {
			{all(calls(3, breaker.Failure), waitOpen(0)), breaker.HalfOpen},
			{slow(1, limit, breaker.Success), breaker.Open},
			{refusedBetween("probe failed: took 2s", 2*time.Second, 4*time.Second), breaker.Open}, // 4 s to 6 s from when it was sent,
		},
		"a quick one does not": {
			{all(calls(3, breaker.Failure), waitOpen(0)), breaker.HalfOpen},
			{slow(2, limit-1, breaker.Success), breaker.Closed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := breaker.Config{ConsecutiveFailures: 3, FailureRatio: -1, SlowCall: limit, MaxOpenFor: time.Minute}
			run(t, cfg, steps)
		})
	}
}

// Where nobody asked for it, a call may take as long as it likes.
func TestSlowCallsAreNotLookedForByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSubject(t, breaker.Config{ConsecutiveFailures: 1})
		slow(3, 24*time.Hour, breaker.Success)(s)
		require.Equal(t, breaker.Closed, s.b.State())
	})
}
