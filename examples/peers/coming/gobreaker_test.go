package coming_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func gobreakerBefore() *gobreaker.CircuitBreaker[string] {
	return gobreaker.NewCircuitBreaker[string](gobreaker.Settings{
		Name:    "bank",
		Timeout: 3 * time.Second,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= 6
		},
		IsSuccessful: func(err error) bool { return err == nil || refused(err) },
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(name string, from, to gobreaker.State) {
			slog.Warn("breaker", "name", name, "from", from, "to", to)
		},
	})
}

func gobreakerCall(ctx context.Context, cb *gobreaker.CircuitBreaker[string], client *bank) (string, error) {
	return cb.Execute(func() (string, error) { return client.Balance(ctx) })
}

func gobreakerAfter() (*retry.Retrier, error) {
	b, err := breaker.New(breaker.Config{
		Name: "bank",
		OnStateChange: func(c breaker.StateChange) {
			slog.Warn("breaker", "name", c.Name, "from", c.From, "to", c.To, "why", c.Reason)
		},
	})
	if err != nil {
		return nil, err
	}
	return retry.New(retry.Config{Policies: policy.Standard(), Breaker: b})
}

func gobreakerCallAfter(ctx context.Context, r *retry.Retrier, client *bank) (string, error) {
	return retry.DoValue(ctx, r, client.Balance)
}

// The breaker alone, without package retry.
func gobreakerAlone(ctx context.Context, b *breaker.Breaker, client *bank) (string, error) {
	lease, err := b.Acquire()
	if err != nil {
		return "", err
	}
	defer lease.Done(breaker.Ignored) // unless something else is reported first
	balance, err := client.Balance(ctx)
	switch {
	case err == nil || refused(err):
		lease.Done(breaker.Success)
	case ctx.Err() == nil:
		lease.Done(breaker.Failure)
	}
	return balance, err
}

func TestGobreakerBeforeAndAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cb, before := gobreakerBefore(), failing(100, errDown)
		for range 6 {
			_, err := gobreakerCall(t.Context(), cb, before)
			require.ErrorIs(t, err, errDown)
		}
		_, err := gobreakerCall(t.Context(), cb, before)
		require.Equal(t, gobreaker.ErrOpenState, err, "it says nothing else")
		require.Equal(t, 6, before.calls)

		r, err := gobreakerAfter()
		require.NoError(t, err)
		after := failing(100, errDown)
		for err == nil || !errors.Is(err, retry.ErrOpen) {
			_, err = gobreakerCallAfter(t.Context(), r, after)
		}
		require.Equal(t, 6, after.calls, "sends count, not calls")
		open, ok := errors.AsType[*breaker.OpenError](err)
		require.True(t, ok)
		require.Contains(t, open.Reason, "HTTP 503")
		require.Positive(t, open.RetryIn)

		b, err := breaker.New(breaker.Config{})
		require.NoError(t, err)
		alone := failing(100, errDown)
		for range 7 {
			_, err = gobreakerAlone(t.Context(), b, alone)
		}
		require.ErrorIs(t, err, breaker.ErrOpen)
		require.Equal(t, 6, alone.calls)
	})
}

// Without IsSuccessful and IsExcluded, refusals and cancelled calls are failures.
func TestGobreakerDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, fail := range []error{errRefused, context.Canceled} {
			cb := gobreaker.NewCircuitBreaker[string](gobreaker.Settings{})
			opened := time.Now()
			for i := range 6 {
				require.Equal(t, gobreaker.StateClosed, cb.State(), i)
				_, _ = gobreakerCall(t.Context(), cb, failing(1, fail))
			}
			require.Equal(t, gobreaker.StateOpen, cb.State())
			for cb.State() == gobreaker.StateOpen {
				time.Sleep(time.Millisecond)
			}
			require.InDelta(t, time.Minute, time.Since(opened), float64(2*time.Millisecond))
		}
		b, err := breaker.New(breaker.Config{})
		require.NoError(t, err)
		r, err := retry.New(retry.Config{Policies: policy.Standard(), Breaker: b})
		require.NoError(t, err)
		for range 20 {
			_, err := gobreakerCallAfter(t.Context(), r, failing(1, errRefused))
			require.ErrorIs(t, err, errRefused)
			ctx, cancel := context.WithCancel(t.Context())
			require.ErrorIs(t, retry.Do(ctx, r, func(context.Context) error { cancel(); return ctx.Err() }), context.Canceled)
		}
		require.Equal(t, breaker.Closed, b.State())
	})
}

// Our breaker probes sooner, and breakers do not all probe at the same time.
func TestGobreakerAfterComesBackSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := breaker.New(breaker.Config{})
		require.NoError(t, err)
		for range 6 {
			_, _ = gobreakerAlone(t.Context(), b, failing(1, errDown))
		}
		for _, longest := range []time.Duration{3 * time.Second, 6 * time.Second, 6 * time.Second} {
			require.Equal(t, breaker.Open, b.State())
			require.LessOrEqual(t, b.RetryIn(), longest)
			require.GreaterOrEqual(t, b.RetryIn(), longest*2/3)
			time.Sleep(b.RetryIn())
			_, err := gobreakerAlone(t.Context(), b, failing(1, errDown)) // the probe
			require.ErrorIs(t, err, errDown)
		}
	})
}

// If a probe hangs, gobreaker refuses all calls, even after a day. Ours has another probe.
func TestGobreakerProbeThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		cb := gobreakerBefore()
		for range 6 {
			_, _ = gobreakerCall(t.Context(), cb, failing(1, errDown))
		}
		time.Sleep(4 * time.Second)
		go func() { _, _ = cb.Execute(func() (string, error) { <-hang; return "", nil }) }()
		time.Sleep(24 * time.Hour)
		_, err := gobreakerCall(t.Context(), cb, new(bank))
		require.Equal(t, gobreaker.ErrTooManyRequests, err)

		b, err := breaker.New(breaker.Config{})
		require.NoError(t, err)
		for range 6 {
			_, _ = gobreakerAlone(t.Context(), b, failing(1, errDown))
		}
		time.Sleep(4 * time.Second)
		_, err = b.Acquire() // a probe that never reports
		require.NoError(t, err)
		time.Sleep(time.Minute)
		_, err = gobreakerAlone(t.Context(), b, new(bank))
		require.NoError(t, err)
		close(hang)
	})
}

// With an Interval, failures that are that far apart never add up.
func TestGobreakerIntervalForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cb := gobreaker.NewCircuitBreaker[string](gobreaker.Settings{Interval: 30 * time.Second})
		b, err := breaker.New(breaker.Config{})
		require.NoError(t, err)
		for range 20 {
			_, err := gobreakerCall(t.Context(), cb, failing(1, errDown))
			require.ErrorIs(t, err, errDown)
			if b.State() == breaker.Closed {
				_, _ = gobreakerAlone(t.Context(), b, failing(1, errDown))
			}
			time.Sleep(31 * time.Second)
		}
		require.Equal(t, gobreaker.StateClosed, cb.State())
		require.Equal(t, breaker.HalfOpen, b.State(), "it opened at the sixth, and its time is over")
	})
}
