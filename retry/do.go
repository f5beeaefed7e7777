package retry

import (
	"context"
	"errors"
	"sync"

	"github.com/nexpay-go/resilience/internal/carry"
)

// Do runs op until it succeeds or its error must not be retried. It returns nil or an
// [*Error]. It is for operations that are safe to repeat.
//
// The error is of another type in three cases: if a nested call inside op gave up, it is
// the error that op returned for that; if Do itself runs inside an attempt of the same
// Retrier, it is op's error; and if r, op or ctx is nil, or an option is invalid, it says
// so. Use errors.As.
//
// The context of op carries the nonce ticket, if Config.Nonces is set (nonce.FromContext),
// and from the second attempt on the attempt's number ([AttemptFrom]). It ends with the
// attempt.
//
// Do is safe for concurrent use. It runs op in the caller's goroutine, and op has returned
// when Do returns.
func Do(ctx context.Context, r *Retrier, op func(context.Context) error, opts ...Option) error {
	if op == nil {
		return r.unusable(ctx, false)
	}
	_, err := DoValue(ctx, r, func(ctx context.Context) (struct{}, error) { return struct{}{}, op(ctx) }, opts...)
	return err
}

// DoValue is [Do] for an operation with a result. If the call fails, it returns the zero
// value, whatever op returned.
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
		c.guard = find(opts, optResend).bound.guard()
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

// unusable returns an error that lists everything that is missing in a call, nil if nothing
// is.
func (r *Retrier) unusable(ctx context.Context, op bool) error {
	var errs []error
	switch {
	case r == nil:
		errs = append(errs, errors.New("retry: the Retrier is nil; was the error of New checked?"))
	case r.tables == nil:
		errs = append(errs, errZero)
	}
	if ctx == nil {
		errs = append(errs, errors.New("retry: the context is nil; use context.Background() if there is none"))
	}
	if !op {
		errs = append(errs, errors.New("retry: the operation is nil"))
	}
	return errors.Join(errs...)
}

var errZero = errors.New("retry: the Retrier is the zero value; create one with New")

// calls keeps the state of those that are over for the next ones.
var calls = sync.Pool{New: func() any { return new(call) }}

// recycle gives the state of a call back, with nothing left in it.
func (c *call) recycle() {
	c.history.recycle()
	*c = call{}
	calls.Put(c)
}
