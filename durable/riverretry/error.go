package riverretry

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/nexpay-go/resilience/internal/engine"
	"github.com/nexpay-go/resilience/retry"
)

// Error returns the error that a job's Work must return for err, the error of a call
// through r: see the table of this package. Use it for calls that are not made by the
// functions here, such as those of an http.Client with a retryhttp.Transport. An
// error without a *retry.Error in it, such as nil, is returned unchanged. If there
// are several, the first that must not be repeated decides, or else the first.
//
// The text of the returned error, which River stores, contains no request data.
// errors.As finds the *retry.Error in it, and errors.Is only its Reason: for a
// context.Canceled anywhere in the error River would run the job again at once when
// it stops, even if the request may have taken effect.
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
		if next.Inert { // counted as an attempt, so that a person is notified in the end
			return f
		}
		return &snoozed{failure: f, snooze: river.JobSnooze(max(next.After, least))}
	case engine.Again:
		return f
	}
	return river.JobCancel(f)
}

// A failure is a *retry.Error without the errors that it wraps.
type failure struct{ ended *retry.Error }

func (f *failure) Error() string        { return f.ended.Error() }
func (f *failure) Is(target error) bool { return target == f.ended.Reason }

// As sets the target to the *retry.Error.
func (f *failure) As(target any) bool {
	to, ok := target.(**retry.Error)
	if ok {
		*to = f.ended
	}
	return ok
}

// A snoozed is a failure that makes River snooze the job.
type snoozed struct {
	*failure
	snooze error
}

// Unwrap returns the *river.JobSnoozeError.
func (s *snoozed) Unwrap() error { return s.snooze }
