package retry

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/nonce"
)

// Apart returns a context for calls about something else than the attempt that ctx belongs
// to: a token, an exchange rate, another API. They are independent calls with their own
// retries, breaker and nonces, and cannot see the ticket of the attempt. Outside of an
// attempt Apart returns ctx.
//
// An error of such a call never proves anything about the payment around it, and an Absent
// that Verify learned through one does not count.
func Apart(ctx context.Context) context.Context {
	if ctx == nil {
		return nil // whose call says so
	}
	outer := within(ctx)
	if outer == nil {
		return ctx
	}
	outer.cut.Store(true)
	return &mark{
		Context: ctx, turn: carry.Context{Context: ctx, Ticket: (*nonce.Ticket)(nil)}, kind: markApart, outer: outer, untraced: outer.untraced,
	}
}

// nested runs op for a call made inside m. It returns false if the call is independent.
func (r *Retrier) nested(ctx context.Context, m *mark, op func(context.Context) error, opts []Option) (inside bool, err error) {
	for o := m; o != nil && o.kind != markApart; o = o.around() {
		if o.r.is(r) {
			return true, r.inside(ctx, o, o == m, op, opts)
		}
		if o.kind != markCall { // a payment of another Retrier
			break
		}
	}
	if why := r.misplaced(m); why != nil {
		return true, r.refuse(ctx, m, why, opts)
	}
	return false, nil
}

// misplaced returns why an independent call must not be made inside m, nil if it may.
func (r *Retrier) misplaced(m *mark) error {
	apart := false
	for ; m != nil; m = m.around() {
		switch {
		case m.kind == markApart:
			apart = true
		case !apart && (m.kind == markSend || m.kind == markLookup):
			return errInPayment
		case m.ticket() != nil && (r.sameNonces(m.r) || r.gave(m.ticket())): // apart or not, whatever keys there are: two may wait for each other
			return errInTurn
		}
	}
	return nil
}

var (
	errInPayment = &reason{text: "inside a payment's Send or Verify only calls of the same Retrier are allowed; use retry.Apart(ctx) for a call about something else"}
	errInTurn    = &reason{text: "it would wait for the turn that the surrounding attempt holds; use the same Retrier, or make the call after the attempt"}
	errRequestIn = &reason{text: "this request is not safe to repeat, and the surrounding call controls its retries; a payment of retryhttp.Once is recovered by the same request, not inside another call; use retry.Apart(ctx) for a request about something else"}
	errOnceIn    = &reason{text: "DoOnce is not allowed inside an attempt, which may be repeated; use retry.Apart(ctx) for an operation about something else"}
)

// refuse ends a call that must not be made where it is.
func (r *Retrier) refuse(ctx context.Context, m *mark, why error, opts []Option) error {
	var c call
	r.begin(&c, markCall, m, opts)
	c.adapter, _ = ctx.(carry.Described)
	return c.end(ctx, stopped(ErrNested, why))
}

// inside runs op once, transparently except for the next nonce of the turn if m holds one.
// If an attempt of another Retrier is in between, which does not know this API, the error
// is classified here.
func (r *Retrier) inside(ctx context.Context, m *mark, innermost bool, op func(context.Context) error, opts []Option) error {
	m.joined.Store(true)
	for _, o := range opts {
		if what := o.kind.decides(); what != "" {
			why := &reason{text: what + " controls retries, which the surrounding call does; give it to that call"}
			if _, adapted := ctx.(carry.Described); adapted { // the adapter has set it
				why = errRequestIn
			}
			return r.refuse(ctx, m, why, opts)
		}
	}
	ticket := m.ticket()
	if ticket == nil && ctx.Err() == nil && innermost {
		return tidy(op(ctx))
	}
	c := &call{nested: true}
	r.begin(c, markCall, m, opts)
	c.adapter, _ = ctx.(carry.Described)
	c.start = clock()
	if ctx.Err() != nil {
		return c.end(ctx, stoppedBy(ctx, nil))
	}
	if ticket == nil {
		return c.judgeNested(ctx, op(ctx))
	}
	newer, err := ticket.Next(ctx)
	switch {
	case errors.Is(err, nonce.ErrLeft) && m.kind == markLookup: // given back once it was on the wire
		c.terms.key, c.terms.pinned, c.breaker = ticket.Key(), true, nil
		if why := c.enter(ctx); why != nil {
			return c.end(ctx, why)
		}
		newer = c.ticket
		defer newer.Leave()
		var timer *time.Timer
		ctx, timer = released(ctx, newer, new(atomic.Bool))
		defer timer.Stop()
	case err != nil:
		return c.end(ctx, withoutNext(ctx, err))
	}
	m.drawn(newer.Nonce())
	err = op(&carry.Context{Context: ctx, Ticket: newer})
	if innermost || err == nil {
		return tidy(err)
	}
	c.ticket = newer
	return c.judgeNested(ctx, err)
}

// drawn records the nonce of a call inside m.
func (m *mark) drawn(number uint64) {
	for h := m.highest; h != nil; {
		if was := h.Load(); was >= number || h.CompareAndSwap(was, number) {
			return
		}
	}
}

// judgeNested ends a call that was sent once with what err asks for: the attempt
// around it is another API's.
func (c *call) judgeNested(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	c.err, c.count.sends, c.guard = tidy(err), 1, &sentOnce{because: "limited to one send"}
	_, _, why := c.failed(ctx, clock()-c.start)
	if why == nil {
		why = stopped(ErrAttempts, nil).because("sent once, inside an attempt of another call")
	}
	return c.end(ctx, why)
}

func withoutNext(ctx context.Context, err error) *Error {
	if ctx.Err() != nil {
		return stoppedBy(ctx, err)
	}
	return stopped(ErrResync, err)
}

// is reports whether both are the same Retrier. Recover uses a copy.
func (r *Retrier) is(o *Retrier) bool { return r.claims == o.claims }

// sameNonces reports whether both use the same nonce source.
func (r *Retrier) sameNonces(o *Retrier) bool { return r.nonceID != nil && r.nonceID == o.nonceID }

// gave reports whether ticket is from a lane that r uses too, through another source: in a
// pool, in another pool, or by itself.
func (r *Retrier) gave(ticket *nonce.Ticket) bool {
	owner, ok := r.nonces.(interface {
		Owns(ticket *nonce.Ticket) bool
	})
	return ok && owner.Owns(ticket)
}
