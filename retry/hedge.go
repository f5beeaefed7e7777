package retry

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// Hedge is [DoValue] for reads whose slowest answers are much slower than most. If an
// attempt has no answer after the given delay, Hedge sends a second time and uses whichever
// succeeds first. The 95th percentile of the latency is a good delay: one call in twenty is
// then sent twice. A delay of zero or less is an error.
//
//	status, err := retry.Hedge(ctx, r, 300*time.Millisecond, client.AccountStatus)
//
// Each of the two sends has its own nonce and lease, and reports to the breaker once. The
// second one costs tokens of the budget like a resend, and counts towards MaxAttempts. If
// the budget, MaxAttempts or the breaker does not allow it, or the first one has its answer
// before the second has its turn, it is not sent and the call is an ordinary one. When one
// succeeds, Hedge cancels the context of the other, and returns when both have returned. If
// both fail, the call goes on with the error of the stricter class.
//
// The operation must be safe to run twice at once. The second run has its own goroutine. If
// it exits, so does Hedge; if it panics, Hedge panics with a [PanicError]. In a lane with
// one request in flight the second send would wait for the turn of the first: use a
// nonce.Pool, or a lane with more InFlight. Inside an attempt of the same Retrier the
// operation runs once. There is no second send with any [Resend] other than [ResendAlways].
func Hedge[T any](ctx context.Context, r *Retrier, after time.Duration, op func(context.Context) (T, error), opts ...Option) (T, error) {
	// A function and not an Option of DoValue: an operation that may run in
	// another goroutine is on the heap, and with it that of every call which is
	// never hedged.
	var zero T
	switch {
	case after <= 0:
		return zero, fmt.Errorf("retry: Hedge after %v: the delay must be positive, or every call is sent twice", after)
	case ctx == nil || r == nil || r.tables == nil || op == nil:
		return DoValue(ctx, r, op, opts...)
	}
	if err := fits[T](opts); err != nil {
		return zero, err
	}
	var values [2]T
	first := func(ctx context.Context) (err error) { values[0], err = op(ctx); return err }
	second := func(ctx context.Context) (err error) { values[1], err = op(ctx); return err }
	m := within(ctx)
	if m != nil {
		if inside, err := r.nested(ctx, m, first, opts); inside {
			if err != nil {
				return zero, err
			}
			return values[0], nil
		}
	}
	c := new(call)
	r.begin(c, markCall, m, opts)
	c.start = clock()
	c.guard = find(opts, optResend).bound.guard()
	unneeded, over := int32(0), false
	defer func() {
		if !over {
			c.abandoned(ctx)
		}
	}()
	for {
		h := newHedge(c)
		winner, why := h.turn(ctx, after, first, second)
		unneeded += h.wasted
		if winner >= 0 {
			c.succeed(ctx, unneeded)
			over = true
			return values[winner], nil
		}
		if why == nil {
			why = c.shouldRetry(ctx, opts)
		}
		if why == nil && !c.rest(ctx) {
			why = c.stoppedBy(ctx, nil)
		}
		if why != nil {
			err := c.end(ctx, why)
			over = true
			return instead[T](ctx, err, opts)
		}
	}
}

// Causes of a context that ends because of the other send.
var (
	errUnneeded error = &reason{"the other send of a hedged attempt succeeded first", context.Canceled}
	errBroken   error = &reason{"the other send of a hedged attempt panicked or exited", context.Canceled}
)

// A PanicError is the value with which [Hedge] panics if the second run of its operation
// panicked. It carries the stack of that run, which a recovering caller would not see
// otherwise.
type PanicError struct {
	Value any    // value of the panic
	Stack []byte // of the goroutine that panicked
}

// Error returns the value and the stack, as the runtime prints them.
func (e *PanicError) Error() string { return fmt.Sprintf("%v\n\n%s", e.Value, e.Stack) }

// Unwrap returns the value if it is an error, and nil otherwise.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A hedge is one attempt of a call and, if that takes too long, a second send.
type hedge struct {
	call    *call  // whose attempt the first send is
	second  call   // state of the second send
	why     *Error // why the second one ended, if it did
	earlier int32  // sends in second.count before the second one is sent
	room    bool   // MaxAttempts allows the second one
	cost    int    // of the second one

	settled  atomic.Bool // it is decided whether the second one is sent
	answered bool        // the first one has its answer, so the second one is not sent
	told     bool        // EventHedge was emitted
	ok       bool        // the second one succeeded
	unneeded bool        // the first one was stopped because of that
	wasted   int32       // sends that lost
	done     chan struct{}
	panicked *PanicError
	exited   bool
}

func newHedge(c *call) *hedge {
	p := c.tables.policies.For(classify.Verdict{Class: classify.Retryable})
	h := &hedge{
		call:    c,
		second:  *c,
		earlier: c.count.sends + 1,
		room:    c.guard == nil && (p.MaxAttempts < 0 || c.attempts()+2 <= p.MaxAttempts),
		cost:    p.Cost,
		done:    make(chan struct{}),
	}
	// That of the first one is counted, so that its own number comes after it.
	h.second.ticket, h.second.err, h.second.doubt, h.second.history = nil, nil, false, history{}
	h.second.count, h.second.counted = count{sends: h.earlier}, true
	return h
}

// turn runs both sends. It returns which one succeeded, 0 or 1, or -1 if neither did, and
// then why the call ends, if it does. The first one runs in this goroutine, so its panics
// need no transfer.
func (h *hedge) turn(ctx context.Context, after time.Duration, first, second func(context.Context) error) (winner int, why *Error) {
	c := h.call
	if !h.room {
		if why = c.turn(ctx, first); why == nil && c.err == nil {
			return 0, nil
		}
		return -1, why
	}
	firstCtx, stopFirst := context.WithCancelCause(ctx)
	secondCtx, stopSecond := context.WithCancelCause(ctx)
	timer := time.AfterFunc(after, func() { h.run(secondCtx, second, stopFirst) })
	ran := sync.OnceValue(func() bool {
		if timer.Stop() {
			return false
		}
		<-h.done
		return true
	})
	defer func() { // a panic of the first one may be on its way
		stopSecond(errBroken)
		ran()
		stopFirst(nil)
	}()
	c.guard = h
	why = c.turn(firstCtx, h.seen(first))
	c.guard = nil
	ok := why == nil && c.err == nil
	h.unneeded = !ok && firstCtx.Err() != nil && ctx.Err() == nil
	if ok || h.answered {
		stopSecond(errUnneeded)
	}
	if !ran() {
		if ok {
			return 0, nil
		}
		return -1, why
	}
	if h.exited { // its send counts, even if the first one was stopped before its own
		c.count.sends += h.second.count.sends - h.earlier
	}
	switch {
	case h.panicked != nil:
		panic(h.panicked)
	case h.exited:
		runtime.Goexit()
	}
	return h.settle(ok, why)
}

// run runs the second send, in its own goroutine.
func (h *hedge) run(ctx context.Context, op func(context.Context) error, stopFirst context.CancelCauseFunc) {
	h.exited = true
	defer close(h.done)
	defer func() {
		if value := recover(); value != nil {
			h.panicked = &PanicError{value, debug.Stack()}
		}
		if h.exited {
			stopFirst(errBroken)
		}
	}()
	c := &h.second
	if ctx.Err() == nil && c.r.budget.take(h.cost) {
		c.pay(h.cost)
		c.guard = h
		h.why = c.turn(ctx, op)
		c.refund()
		if h.ok = h.why == nil && c.err == nil; h.ok {
			stopFirst(errUnneeded)
		}
	}
	h.exited = false
}
