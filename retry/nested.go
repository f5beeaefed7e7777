package retry

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/nonce"
)

// Apart returns a context for calls that are about something else than the attempt
// ctx belongs to: a token, an exchange rate, another API. They are calls of their
// own, with retries, breaker and nonces of their own, and cannot see the ticket of
// the attempt. Outside of an attempt it changes nothing.
//
// An error that comes out of such a call is never proof about the payment around
// it, and an Absent that Verify learned through one does not count.
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

// nested runs op for a call made inside m. It reports false if that is a call of
// its own.
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

// misplaced returns what is wrong with a call of its own inside m, if anything is.
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
	errInPayment = &reason{text: "inside a payment's Send or Verify only calls of the same Retrier can be made; one that is about something else takes retry.Apart(ctx)"}
	errInTurn    = &reason{text: "it would wait for the turn that the attempt around it holds; make it with the same Retrier, or after the attempt"}
	errOnceIn    = &reason{text: "a DoOnce cannot be made inside an attempt, which may be repeated; one that is about something else takes retry.Apart(ctx)"}
)

// refuse ends a call that is made where it cannot be.
func (r *Retrier) refuse(ctx context.Context, m *mark, why error, opts []Option) error {
	var c call
	r.begin(&c, markCall, m, opts)
	c.adapter, _ = ctx.(carry.Described)
	return c.end(ctx, stopped(ErrNested, why))
}

// inside runs op once, as if this call were not there, but for the next nonce of
// the turn where the attempt m holds one. Where a call of another Retrier stands in
// between, which knows nothing of this API, the error is judged here.
func (r *Retrier) inside(ctx context.Context, m *mark, innermost bool, op func(context.Context) error, opts []Option) error {
	m.joined.Store(true)
	for _, o := range opts {
		if what := o.kind.decides(); what != "" {
			return r.refuse(ctx, m, &reason{text: fmt.Sprintf("%s decides about sending again, which the call around this one does", what)}, opts)
		}
	}
	ticket := m.ticket()
	if ticket == nil && ctx.Err() == nil && innermost {
		return tidy(op(ctx))
	}
	c := &call{part: true}
	r.begin(c, markCall, m, opts)
	c.adapter, _ = ctx.(carry.Described)
	c.start = clock()
	if ctx.Err() != nil {
		return c.end(ctx, stoppedBy(ctx, nil))
	}
	if ticket == nil {
		return c.judgeAlone(ctx, op(ctx))
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
	return c.judgeAlone(ctx, err)
}

// drawn notes the nonce of a call inside m.
func (m *mark) drawn(number uint64) {
	for h := m.highest; h != nil; {
		if was := h.Load(); was >= number || h.CompareAndSwap(was, number) {
			return
		}
	}
}

// judgeAlone ends a call that was sent once with what err asks for: the attempt
// around it is another API's.
func (c *call) judgeAlone(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	c.err, c.count.sends, c.guard = tidy(err), 1, &sentOnce{because: "it is to be sent once"}
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

// is reports whether both are one Retrier: that of Recover is a copy.
func (r *Retrier) is(o *Retrier) bool { return r.claims == o.claims }

// sameNonces reports whether both draw from one nonce source.
func (r *Retrier) sameNonces(o *Retrier) bool { return r.nonceID != nil && r.nonceID == o.nonceID }

// gave reports whether ticket is of a lane that r draws from as well, though in another
// source: in a pool, in another one, or by itself.
func (r *Retrier) gave(ticket *nonce.Ticket) bool {
	owner, ok := r.nonces.(interface {
		Owns(ticket *nonce.Ticket) bool
	})
	return ok && owner.Owns(ticket)
}
