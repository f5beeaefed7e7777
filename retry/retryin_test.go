package retry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// Who schedules the next try needs to know when it is of use: after the open time of the
// breaker, be it that this very call opened it, or after what the server asked for.
func TestRetryIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refused uint64
		b, err := breaker.New(breaker.Config{
			OpenFor: 10 * time.Second, MaxOpenFor: 10 * time.Second,
			OnStateChange: func(c breaker.StateChange) { refused = c.Refused },
		})
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Breaker: b})
		fails := func(err error) *retry.Error {
			var e *retry.Error
			require.ErrorAs(t, retry.Do(t.Context(), r, func(context.Context) error { return err }), &e)
			return e
		}
		require.Zero(t, fails(code(400, "30010")).RetryIn())
		require.Equal(t, time.Hour, fails(&classify.Error{Status: 503, RetryAfter: time.Hour}).RetryIn())
		require.Zero(t, (*retry.Error)(nil).RetryIn())

		opened := fails(code(403, "130"))
		require.ErrorIs(t, opened, retry.ErrAttempts)
		require.Greater(t, opened.RetryIn(), 6*time.Second)
		require.LessOrEqual(t, opened.RetryIn(), 10*time.Second)
		require.ErrorContains(t, opened, "; the circuit breaker is open now, for ")
		require.Equal(t, opened.RetryIn(), b.RetryIn())

		time.Sleep(3 * time.Second)
		found := fails(nil)
		require.ErrorIs(t, found, retry.ErrOpen)
		require.Equal(t, opened.RetryIn()-3*time.Second, found.RetryIn())
		require.NotContains(t, found.Error(), "is open now")

		time.Sleep(found.RetryIn())
		require.Zero(t, b.RetryIn())
		require.Equal(t, breaker.HalfOpen, b.State())
		require.EqualValues(t, 1, refused, "to ask for how long it is open is no refusal")
		b.Isolate("maintenance")
		require.Zero(t, b.RetryIn())
		require.Zero(t, fails(nil).RetryIn(), "no time ends that")
	})
}

func TestRetrierTellsWhatItHas(t *testing.T) {
	journal := new(retry.MemoryJournal)
	r := newRetrier(t, retry.Config{Journal: journal})
	require.Same(t, journal, r.Journal())
	require.Nil(t, newRetrier(t, retry.Config{}).Journal())
	again := r.Policies()
	require.NoError(t, r.Reload(again))
	require.Same(t, again, r.Policies())
}
