package temporalretry

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/nexpay-go/resilience/internal/engine"
	"github.com/nexpay-go/resilience/retry"
)

// Error returns what an activity has to return for err, the end of a call through r:
// see the table of this package. It is for calls that are not made by the functions
// here, such as those of an http.Client over a retryhttp.Transport. An error in which
// there is no *retry.Error, nil say, is returned as it is. Of several the first one
// counts that must not be made again, or else the first.
//
// What it returns holds no request data, and does not wrap err: the engine would store
// the texts of all that it wraps, and take a context.Canceled somewhere in it for an
// activity that was canceled, whatever became of the payment.
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
