package breaker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// Both make the same changes for the same calls; only one of them refuses any.
func TestReportOnlyRefusesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSubject(t, breaker.Config{ConsecutiveFailures: 3, Probes: 1, ReportOnly: true})
		calls(3, breaker.Failure)(s)
		require.Equal(t, breaker.Open, s.b.State())

		calls(5, breaker.Success)(s) // of no consequence
		require.NoError(t, s.b.Check())
		require.Equal(t, breaker.Open, s.b.State())

		time.Sleep(12 * time.Second)
		require.Equal(t, breaker.HalfOpen, s.b.State())
		probe, err := s.b.Acquire()
		require.NoError(t, err)
		require.True(t, probe.Probe())
		require.NoError(t, s.b.Check())
		calls(2, breaker.Failure)(s) // beside the probe: of no consequence either
		require.Equal(t, breaker.HalfOpen, s.b.State())
		probe.Done(breaker.Success)
		require.Equal(t, breaker.Closed, s.b.State())

		var refused []uint64
		for _, c := range s.changes {
			refused = append(refused, c.Refused)
		}
		require.Equal(t, []uint64{0, 5, 2}, refused)
	})
}

// A person who isolates means it.
func TestReportOnlyIsIsolatedAllTheSame(t *testing.T) {
	b := newBreaker(t, breaker.Config{ReportOnly: true})
	b.Isolate("fire")
	_, err := b.Acquire()
	require.ErrorIs(t, err, breaker.ErrOpen)
	require.ErrorIs(t, b.Check(), breaker.ErrOpen)
	b.Reset()
	require.NoError(t, b.Check())
}
