package temporalretry

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/nexpay-go/resilience/internal/engine"
	"github.com/nexpay-go/resilience/retry"
)

// Error returns the error that an activity must return for err, the error of a call
// through r: see the table of this package. Use it for calls that are not made by the
// functions here, such as those of an http.Client with a retryhttp.Transport. An
// error without a *retry.Error in it, such as nil, is returned unchanged. If there
// are several, the first that must not be repeated decides, or else the first.
//
// The returned error contains no request data, and does not wrap err: the engine
// would store the texts of all wrapped errors, and treat a context.Canceled among
// them as a canceled activity, even if the payment may have happened.
func Error(ctx context.Context, r *retry.Retrier, err error) error {
	if err == nil {
		return nil
	}
	next, ok := call(ctx, r, 0).After(err)
	if !ok {
		return err
	}
	return convert(ctx, next)
}

func call(ctx context.Context, r *retry.Retrier, settle time.Duration) engine.Call {
	return engine.Call{Retrier: r, Attempt: attemptOf(ctx), Settle: settle}
}

func convert(ctx context.Context, next engine.Next) error {
	if next.Step == engine.Cancel {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return context.Canceled
	}
	return temporal.NewApplicationErrorWithOptions(next.Err.Error(), next.Type, temporal.ApplicationErrorOptions{
		NonRetryable:   next.Step == engine.Fail || next.Step == engine.Done,
		NextRetryDelay: next.After,
		Details:        []any{details(next.Err)},
	})
}
