package main

import (
	"context"
	"slices"
	"time"

	"github.com/avast/retry-go/v5"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
	goretry "github.com/sethvargo/go-retry"
	"github.com/sony/gobreaker/v2"
)

// retryable is how the other libraries classify an error. It does less than a classifier.
func retryable(err error) bool { return err == errInternal }

func newGobreaker(open bool) *gobreaker.CircuitBreaker[int] {
	cb := gobreaker.NewCircuitBreaker[int](gobreaker.Settings{
		Timeout:     time.Hour,
		ReadyToTrip: func(c gobreaker.Counts) bool { return open },
	})
	if open {
		_, _ = cb.Execute(func() (int, error) { return 0, errInternal })
	}
	return cb
}

// retryGo is avast/retry-go around gobreaker. Its Retrier has the context of a call, so a
// server must make one for each call, of options made once.
func retryGo(open bool) (caller, error) {
	cb := newGobreaker(open)
	options := slices.Clip(retryGoOptions())
	return func(ctx context.Context, op operation) (int, error) {
		r := retry.NewWithData[int](append(options, retry.Context(ctx))...)
		return r.Do(func() (int, error) { return cb.Execute(func() (int, error) { return op(ctx) }) })
	}, nil
}

// retryGoReused makes one Retrier for all calls, which cannot be cancelled then.
func retryGoReused(open bool) (caller, error) {
	cb := newGobreaker(open)
	r := retry.NewWithData[int](retryGoOptions()...)
	return func(ctx context.Context, op operation) (int, error) {
		return r.Do(func() (int, error) { return cb.Execute(func() (int, error) { return op(ctx) }) })
	}, nil
}

func retryGoOptions() []retry.Option {
	return []retry.Option{
		retry.Attempts(attempts), retry.Delay(wait), retry.MaxDelay(wait),
		retry.DelayType(retry.BackOffDelay), retry.RetryIf(retryable),
	}
}

// goRetry is sethvargo/go-retry around gobreaker. Its Backoff counts the attempts of one
// call, so each call needs a new one.
func goRetry(open bool) (caller, error) {
	cb := newGobreaker(open)
	return func(ctx context.Context, op operation) (int, error) {
		delays := goretry.NewExponential(wait)
		delays = goretry.WithCappedDuration(wait, delays)
		delays = goretry.WithMaxDuration(elapsed, delays)
		delays = goretry.WithMaxRetries(attempts-1, delays)
		return goretry.DoValue(ctx, delays, func(ctx context.Context) (int, error) {
			v, err := cb.Execute(func() (int, error) { return op(ctx) })
			if err != nil && retryable(err) {
				err = goretry.RetryableError(err)
			}
			return v, err
		})
	}, nil
}

// unreached is more failures than a run has, and few enough that failsafe-go, which keeps a
// bit for each, takes half a megabyte. With much more in use, the garbage collector would run
// less often for all.
const unreached = 1 << 22

// failsafeGo is failsafe-go's retry policy around its breaker. The executor is reused;
// WithContext copies it for each call.
func failsafeGo(open bool) (caller, error) { return failsafeWith(open), nil }

func failsafeWith(open bool, inner ...failsafe.Policy[int]) caller {
	cb := circuitbreaker.NewBuilder[int]().WithFailureThreshold(unreached).WithDelay(time.Hour).Build()
	if open {
		cb.Open()
	}
	retries := retrypolicy.NewBuilder[int]().
		WithMaxAttempts(attempts).WithBackoff(wait, 2*wait).WithMaxDuration(elapsed).
		HandleIf(func(_ int, err error) bool { return err != nil && retryable(err) }).
		ReturnLastFailure().
		Build()
	exec := failsafe.With(append([]failsafe.Policy[int]{retries, cb}, inner...)...)
	return func(ctx context.Context, op operation) (int, error) {
		return exec.WithContext(ctx).GetWithExecution(func(e failsafe.Execution[int]) (int, error) { return op(e.Context()) })
	}
}

// failsafeTimeout is failsafeGo with an attempt timeout.
func failsafeTimeout() (caller, error) {
	return failsafeWith(false, timeout.New[int](10*time.Second)), nil
}

// retryGoTimeout is retryGo with a timeout for each attempt, which retry-go does not have.
func retryGoTimeout() (caller, error) {
	call, err := retryGo(false)
	return func(ctx context.Context, op operation) (int, error) {
		return call(ctx, func(ctx context.Context) (int, error) {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			return op(ctx)
		})
	}, err
}
