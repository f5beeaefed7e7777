package riverretry

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/nexpay-go/resilience/internal/engine"
	"github.com/nexpay-go/resilience/retry"
)

// Error returns what a job's Work has to return for err, the end of a call through r:
// see the table of this package. It is for calls that are not made by the functions
// here, such as those of an http.Client over a retryhttp.Transport. An error in which
// there is no *retry.Error, nil say, is returned as it is. Of several the first one
// counts that must not be made again, or else the first.
//
// The text of what it returns, which River stores, holds no request data. errors.As finds
// the *retry.Error in it, and errors.Is its Reason and nothing else: a context.Canceled
// somewhere in it would have River run the job again at once when it stops, whatever
// became of a request.
func Error(ctx context.Context, r *retry.Retrier, err error) error {
	if err == nil {
		return nil
	}
	next, ok := engine.Call{Retrier: r}.After(err)
	if !ok {
		return err
	}
	return convert(ctx, next)
}

// least is the shortest snooze: the engine runs a job that it snoozes for less at once,
// and counts no attempt for it.
const least = time.Second

func convert(ctx context.Context, next engine.Next) error {
	f := &failure{next.Err}
	switch next.Step {
	case engine.Done:
		return nil
	case engine.Cancel:
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return context.Canceled
	case engine.Later:
		if next.Inert { // to be counted, so that a person hears of it in the end
			return f
		}
		return &snoozed{failure: f, snooze: river.JobSnooze(max(next.After, least))}
	case engine.Again:
		return f
	}
	return river.JobCancel(f)
}

// A failure is a *retry.Error without what it wraps.
type failure struct{ ended *retry.Error }

func (f *failure) Error() string        { return f.ended.Error() }
func (f *failure) Is(target error) bool { return target == f.ended.Reason }

// As makes it the *retry.Error.
func (f *failure) As(target any) bool {
	to, ok := target.(**retry.Error)
	if ok {
		*to = f.ended
	}
	return ok
}

// snoozed is a failure that River takes for a snooze.
type snoozed struct {
	*failure
	snooze error
}

// Unwrap returns the *river.JobSnoozeError.
func (s *snoozed) Unwrap() error { return s.snooze }
