package riverretry

import (
	"context"

	"github.com/riverqueue/river"

	"github.com/nexpay-go/resilience/internal/engine"
	"github.com/nexpay-go/resilience/retry"
)

// Do is [retry.Do] as one attempt of a job, so op must be safe to repeat. It converts
// the error with [Error]: return it from Work.
func Do(ctx context.Context, r *retry.Retrier, op func(context.Context) error, opts ...retry.Option) error {
	return Error(ctx, r, retry.Do(ctx, r, op, opts...))
}

// DoOnce is [retry.DoOnce] as one attempt of a job: a payment whose later attempts
// find in r's journal what became of it. Return its error from Work.
//
// When the payment has happened, in this or an earlier attempt, DoOnce calls booked
// with its value, or with retry.ErrApplied if the value is lost, and returns the
// error of booked. After such an error the job runs again: it does not pay again, and
// calls booked again. If booked is nil, the job is done.
//
// Otherwise the error is converted with [Error]. An invalid operation, or an r
// without a journal, cancels the job, and nothing is sent. All workers must share the
// journal, such as that of sqljournal: the next attempt may run anywhere.
func DoOnce[T any](ctx context.Context, r *retry.Retrier, op retry.Operation[T], booked func(context.Context, T, error) error, opts ...retry.Option) error {
	if err := engine.Payable(r); err != nil {
		return river.JobCancel(refusal{err})
	}
	value, err := retry.DoOnce(ctx, r, op, opts...)
	next, ended := engine.Call{Retrier: r, Settle: op.Settle}.After(err)
	switch {
	case err == nil:
	case !ended:
		return river.JobCancel(refusal{err})
	case next.Step != engine.Done:
		return convert(ctx, next)
	default:
		err = retry.ErrApplied
	}
	if booked == nil {
		return nil
	}
	return booked(ctx, value, err)
}

// A refusal is the error of a payment that no further attempt can make.
type refusal struct{ error }

func (r refusal) Error() string { return "riverretry: " + r.error.Error() }
func (r refusal) Unwrap() error { return r.error }
