package temporalretry

import (
	"context"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/nexpay-go/resilience/internal/engine"
	"github.com/nexpay-go/resilience/retry"
)

// Do is [retry.Do] as one attempt of an activity, so op must be safe to repeat. It
// converts the error with [Error].
func Do(ctx context.Context, r *retry.Retrier, op func(context.Context) error, opts ...retry.Option) error {
	within, end := attempt(ctx)
	defer end()
	return Error(ctx, r, retry.Do(within, r, op, opts...))
}

// DoValue is [retry.DoValue] as one attempt of an activity, so op must be safe to
// repeat. It converts the error with [Error].
func DoValue[T any](ctx context.Context, r *retry.Retrier, op func(context.Context) (T, error), opts ...retry.Option) (T, error) {
	within, end := attempt(ctx)
	defer end()
	value, err := retry.DoValue(within, r, op, opts...)
	return value, Error(ctx, r, err)
}

// DoOnce is [retry.DoOnce] as one attempt of an activity: a payment whose later
// attempts find in r's journal what became of it. It converts the error with [Error].
// An invalid operation, or an r without a journal, is not retryable, and nothing is
// sent.
//
// All workers must share the journal, such as that of sqljournal: the next attempt
// may run anywhere. A retry.MemoryJournal is for tests.
func DoOnce[T any](ctx context.Context, r *retry.Retrier, op retry.Operation[T], opts ...retry.Option) (T, error) {
	var zero T
	if err := engine.Payable(r); err != nil {
		return zero, refused("no-journal", err)
	}
	within, end := attempt(ctx)
	defer end()
	value, err := retry.DoOnce(within, r, op, opts...)
	if err == nil {
		return value, nil
	}
	if next, ok := call(ctx, r, op.Settle).After(err); ok {
		return zero, convert(ctx, next)
	}
	return zero, refused("invalid", err)
}

// refused returns the error for a call that another attempt cannot make succeed.
func refused(word string, err error) error {
	return temporal.NewApplicationErrorWithOptions("temporalretry: "+err.Error(), word,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{Details{Reason: word, Effect: "not-applied"}}})
}

// attemptOf returns the number of the engine's attempt, 1 outside of an activity.
func attemptOf(ctx context.Context) int {
	if !activity.IsActivity(ctx) {
		return 1
	}
	return int(activity.GetInfo(ctx).Attempt)
}
