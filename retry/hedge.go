package retry

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// Hedge is [DoValue] for reads whose slowest answers are much slower than most:
// beside an attempt that has no answer after that long, it sends a second time,
// and takes whichever succeeds first. The 95th percentile of the latency is a
// good time: then one call in twenty is sent twice.
//
//	status, err := retry.Hedge(ctx, r, 300*time.Millisecond, client.AccountStatus)
//
// Each of the two has a nonce and a lease of its own, and reports to the breaker
// once. The second is paid for from the budget like a resend, and counts towards
// MaxAttempts; where the budget, the attempts or the breaker have no room for it,
// it is not sent, and nothing else changes. The context of the one that is not
// needed any more is canceled, and Hedge returns when both have. If both fail,
// the call goes on with the sterner of the errors.
//
// The operation must be safe to run twice at once. The second one runs in a
// goroutine of its own; if it exits, so does Hedge, and if it panics, Hedge panics
// with a [PanicError]. With a lane that has one request in flight it waits for its turn behind the first: hedge with a
// nonce.Pool, or a lane with more InFlight. A call that is part of an attempt
// of another one is sent once, as ever, and so is one inside the Send or Verify of
// a [DoOnce], for which there is no hedging: that would be a second payment. With
// any [Resend] but [ResendAlways] there is no second one either.
func Hedge[T any](ctx context.Context, r *Retrier, after time.Duration, op func(context.Context) (T, error), opts ...Option) (T, error) {
	// A function and not an Option of DoValue: an operation that may run in
	// another goroutine is on the heap, and with it that of every call which is
	// never hedged.
	var zero T
	switch {
	case after <= 0:
		return zero, fmt.Errorf("retry: Hedge after %v: it has to be a while, or everything is sent twice", after)
	case r == nil || op == nil:
		return DoValue(ctx, r, op, opts...)
	}
	if err := fits[T](opts); err != nil {
		return zero, err
	}
	var values [2]T
	part, inner, err := r.nested(ctx, func(ctx context.Context) (err error) { values[0], err = op(ctx); return err }, opts)
	switch {
	case part && err != nil:
		return instead[T](ctx, err, opts)
	case part:
		return values[0], nil
	}
	c := r.begin(opts, inner)
	for {
		ok, second := newHedge(c).turn(ctx, after,
			func(ctx context.Context) (err error) { values[0], err = op(ctx); return err },
			func(ctx context.Context) (err error) { values[1], err = op(ctx); return err })
		switch {
		case ok && second:
			c.succeed(ctx)
			return values[1], nil
		case ok:
			c.succeed(ctx)
			return values[0], nil
		}
		if !c.again(ctx, opts) || !sleep(ctx.Done(), c.pause()) {
			return instead[T](ctx, c.end(ctx), opts)
		}
	}
}

// The causes with which the context of one ends because of the other.
var (
	errUnneeded error = &reason{"the other one of a hedged attempt succeeded first", context.Canceled}
	errBroken   error = &reason{"the other one of a hedged attempt panicked or exited", context.Canceled}
)

// A PanicError is what [Hedge] panics with after the second one has: the stack
// that a handler of panics sees is that of Hedge, which tells nothing.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // of its goroutine, when it did
}

// Error returns the value and the stack, as the runtime prints them.
func (e *PanicError) Error() string { return fmt.Sprintf("%v\n\n%s", e.Value, e.Stack) }

// Unwrap returns the value, if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A hedge is one attempt of a call and, if that takes too long, a second one.
type hedge struct {
	call   *call // whose attempt the first one is
	second call  // the ledger of the second one
	before int32 // sends in that before it sends
	room   bool  // MaxAttempts leaves room for it
	cost   int   // of it

	ok       bool // the second one succeeded
	unneeded bool // the first one was stopped because of that
	done     chan struct{}
	panicked *PanicError
	exited   bool
}

func newHedge(c *call) *hedge {
	p := c.tables.policies.For(classify.Verdict{Class: classify.Retryable})
	return &hedge{
		call: c,
		second: call{
			r: c.r, tables: c.tables, breaker: c.breaker, start: c.start, name: c.name, inner: c.inner,
			sends: c.sends + 1, // that of the first one, so that its own number comes after it
		},
		before: c.sends + 1,
		room:   c.resends == ResendAlways && (p.MaxAttempts < 0 || c.counted()+2 <= p.MaxAttempts),
		cost:   p.Cost,
		done:   make(chan struct{}),
	}
}

// turn runs both and reports whether one succeeded, and whether that was the
// second. The first one runs here, where its panics belong.
func (h *hedge) turn(ctx context.Context, after time.Duration, first, second func(context.Context) error) (ok, bySecond bool) {
	if !h.room {
		return h.call.turn(ctx, first), false
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
	ok = h.call.turn(firstCtx, first)
	h.unneeded = !ok && firstCtx.Err() != nil && ctx.Err() == nil
	if ok {
		stopSecond(errUnneeded)
	}
	if !ran() {
		return ok, false
	}
	switch {
	case h.panicked != nil:
		panic(h.panicked)
	case h.exited:
		runtime.Goexit()
	}
	return h.settle(ok)
}

// run is the second one, in a goroutine of its own.
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
		c.paid = int32(max(h.cost, 0))
		c.emit(ctx, EventHedge)
		if h.ok = c.turn(ctx, op); h.ok {
			stopFirst(errUnneeded)
		}
	}
	h.exited = false
}

// settle enters what became of the second one into the ledger of the call.
func (h *hedge) settle(firstOK bool) (ok, bySecond bool) {
	c, second := h.call, &h.second
	sent, after := second.sends-h.before, c.sends-h.before
	c.sends += sent
	c.free += second.free
	c.resync = min(c.resync+second.resync, maxResyncs)
	switch {
	case firstOK:
		c.unneeded += sent
		return true, false
	case h.ok:
		if h.unneeded && after >= 0 {
			c.unneeded++
		}
		c.err, c.ended, c.paid = nil, nil, second.paid
		return true, true
	case sent > 0:
		c.doubt = c.doubt || second.doubt
		h.merge(int(after))
	}
	return false, false
}

// merge enters what the second one sent, numbered after all of the first one's
// (after is negative if that sent nothing), and leaves the sterner of the two as
// the last: that is what the call goes on with. What kept the first one from
// sending ends the call.
func (h *hedge) merge(after int) {
	c, second := h.call, &h.second
	attempts, _ := second.history.all()
	for i := range attempts {
		attempts[i].Number += after
	}
	switch last := c.history.last(); {
	case after < 0:
		c.err, c.ticket = second.err, second.ticket
		if c.ended == nil {
			c.ended = second.ended
		}
	case c.sternness() >= second.sternness():
		attempts = append(attempts, *last)
		*last, attempts = attempts[0], attempts[1:]
	default:
		c.err, c.ended, c.ticket = second.err, second.ended, second.ticket
	}
	for _, a := range attempts {
		*c.history.add(a.Number) = a
	}
}

// sternness orders what two attempts of one call have come to, like
// classify does the errors of one answer: the one that forbids most wins, and a
// lockout goes before any other fatal one. One that has ended by more than its
// verdict can only be overruled by those two.
func (c *call) sternness() int {
	last := c.history.last()
	switch {
	case last == nil:
		return 0
	case last.Verdict.Class == classify.Fatal && last.Verdict.Lockout:
		return 7
	case last.Verdict.Class == classify.Fatal:
		return 6
	case c.ended != nil:
		return 5
	}
	switch last.Verdict.Class {
	case classify.Retryable:
		return 1
	case classify.Resync:
		return 2
	case classify.FixAndResend:
		return 4
	}
	return 3
}
