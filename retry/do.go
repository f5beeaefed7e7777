package retry

import (
	"context"
	"errors"
	"sync"

	"github.com/nexpay-go/resilience/internal/carry"
)

// Do runs op until it succeeds or what its error asks for is to stop, and
// returns nil or an [*Error]. It is for operations that may safely be repeated.
// The error is of another kind where another call is involved or a mistake:
// where a call inside op gave up it is what op made of that call's *Error, in a
// call inside an attempt of the same Retrier it is op's own, and without a
// Retrier or an op it says so. Use errors.As.
//
// The context given to op carries what the attempt needs: the nonce ticket, if
// there is a source of them (nonce.FromContext), and from the second attempt on
// the number ([AttemptFrom]). It ends with the attempt.
//
// Do may be called from any number of goroutines at once. It runs op in the
// caller's goroutine and has returned from it when it returns.
func Do(ctx context.Context, r *Retrier, op func(context.Context) error, opts ...Option) error {
	if op == nil {
		return r.unusable(ctx, false)
	}
	_, err := DoValue(ctx, r, func(ctx context.Context) (struct{}, error) { return struct{}{}, op(ctx) }, opts...)
	return err
}

// DoValue is Do for an operation with a result. With an error it returns the
// zero value, whatever op returned.
func DoValue[T any](ctx context.Context, r *Retrier, op func(context.Context) (T, error), opts ...Option) (T, error) {
	// Calls fail by the thousand at once, and then wait, on the 2 KiB of stack
	// that a goroutine begins with. One that ever needs more keeps 4 KiB for as
	// long as it waits. So the call's state is not on the stack, what a call does is
	// cut into functions with small frames, and the loop stands here, where it
	// needs none of its own: see TestWaitingCallsAreSmall.
	var value, zero T
	if ctx == nil || r == nil || r.tables == nil || op == nil {
		return zero, r.unusable(ctx, op != nil)
	}
	if len(opts) > 0 {
		if err := fits[T](opts); err != nil {
			return zero, err
		}
	}
	run := func(ctx context.Context) (err error) {
		value, err = op(ctx)
		return err
	}
	m := within(ctx)
	if m != nil { // hardly ever
		if inside, err := r.nested(ctx, m, run, opts); inside {
			if err != nil {
				return zero, err
			}
			return value, nil
		}
	}
	c := calls.Get().(*call)
	r.begin(c, markCall, m, opts)
	if len(opts) > 0 { // as each call of an adapter has
		c.guard = resends(opts).guard()
		c.adapter, _ = ctx.(carry.Described)
	}
	for {
		why := c.turn(ctx, run)
		if why == nil && c.err == nil {
			break
		}
		if why == nil {
			why = c.shouldRetry(ctx, opts)
		}
		if why == nil && !c.rest(ctx) {
			why = c.stoppedBy(ctx, nil)
		}
		if why != nil {
			err := c.end(ctx, why)
			c.recycle()
			return instead[T](ctx, err, opts)
		}
	}
	c.succeed(ctx, 0)
	c.recycle()
	return value, nil
}

// unusable returns everything that is missing in a call, nil if nothing is.
func (r *Retrier) unusable(ctx context.Context, op bool) error {
	var errs []error
	switch {
	case r == nil:
		errs = append(errs, errors.New("retry: the Retrier is nil; was the error of New checked?"))
	case r.tables == nil:
		errs = append(errs, errZero)
	}
	if ctx == nil {
		errs = append(errs, errors.New("retry: the context is nil; context.Background() is the one without an end"))
	}
	if !op {
		errs = append(errs, errors.New("retry: the operation is nil"))
	}
	return errors.Join(errs...)
}

var errZero = errors.New("retry: the Retrier is the zero Retrier; make one with New")

// calls keeps the state of those that are over for the next ones.
var calls = sync.Pool{New: func() any { return new(call) }}

// recycle gives the state of a call back, with nothing left in it.
func (c *call) recycle() {
	c.history.recycle()
	*c = call{}
	calls.Put(c)
}
