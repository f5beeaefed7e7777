package retry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/internal/insist"
	"github.com/nexpay-go/resilience/internal/protocol"
	"github.com/nexpay-go/resilience/internal/redact"
	"github.com/nexpay-go/resilience/nonce"
)

// onTheWire is how long a lookup may hold the turn on its key if nothing reports that its
// request was written. A later request may then overtake it and cause its nonce to be
// refused, which is no answer.
const onTheWire = time.Second

// An answer is the result of one lookup.
type answer struct {
	found    Outcome
	asked    bool          // Verify ran
	failed   bool          // it returned an error
	same     bool          // the lookup used the key of the operation
	key      string        // of the lookup
	nonce    uint64        // of the lookup, 0 if it took its own
	began    time.Duration // on clock(): the last run of Verify
	ended    time.Duration
	err      error            // of Verify
	lost     error            // of Verify, returned with Applied: the value is lost
	trace    string           // trace id of its answer
	verdict  classify.Verdict // on err
	obstacle error            // why Verify did not run, or not properly
	wait     time.Duration    // that the server or the breaker asks for
	final    bool             // another lookup is of no use
}

// A lookup is one run of Verify. It is a call of its own, and its guard. It uses the key of
// the operation and a breaker for lookups only, and releases its turn as soon as it can, so
// that lookups never hold up payments (M9).
type lookup struct {
	payment *payment
	timer   *time.Timer
	left    atomic.Bool // the turn was given back
}

// lookup runs Verify once, or again at once with a newer nonce, and leaves the room.
func (p *payment) lookup(ctx context.Context, room *lookupRoom) (a answer) {
	defer room.Leave()
	if open := openUntil(p.call.breaker); open != nil { // waited out
		a.obstacle, a.wait, a.final = open, open.RetryIn, ctx.Err() != nil
		return a
	}
	c := call{nested: true}
	p.call.r.begin(&c, markLookup, nil, nil)
	g := &lookup{payment: p}
	c.tables, c.name, c.endpoint, c.adapter = p.call.tables, p.call.name, p.call.endpoint, p.call.adapter
	c.guard, c.breaker = g, room.beside(p.call.breaker)
	c.terms.timeout = cmp.Or(c.tables.timeout, sendTime)
	c.terms.key, c.terms.pinned, c.terms.loose = p.call.terms.key, p.call.terms.pinned, true
	why := c.turn(ctx, func(ctx context.Context) error { return p.runVerify(ctx, &a) })
	g.stop()
	a.err = cmp.Or(c.err, a.lost)
	p.hold = false
	if last := c.history.last(); last != nil && a.err != nil && !isCall(c.err) { // another call's says nothing of this
		a.verdict, a.wait, a.trace = last.Verdict, last.Verdict.RetryAfter, last.TraceID
		p.doubt.traced(last.TraceID)
		p.hold = a.verdict.Class == classify.Resync
		if protocol.Decide.EndsLooking(a.verdict.Class == classify.Fatal, p.call.decides(&a.verdict)) {
			a.final, a.obstacle = true, &reason{redact.Text(a.err) + ", " + a.verdict.Rule, a.err}
		}
		if locked := p.call.r.lockout.Check(c.key()); a.verdict.Lockout && locked != nil {
			a.obstacle = locked
		}
	}
	a.meet(ctx, why)
	if a.obstacle == nil && a.found == Absent && !a.same {
		a.obstacle = errOtherKeyAsked
	}
	if a.asked {
		p.doubt.Answer = Answer{Outcome: a.found, Err: a.err, At: time.Now()}
		p.doubt.Lookups++
		p.report(ctx, EventLookup, &a)
	}
	return a
}

var errOtherKeyAsked = &reason{text: "absent, but looked up with another key than the operation was sent with, or through Apart, which proves nothing"}

// openUntil returns the error of the payments' breaker if it keeps lookups away too,
// because of an outage or because a person opened it.
func openUntil(b *breaker.Breaker) *breaker.OpenError {
	if b == nil || b.State() != breaker.Open {
		return nil
	}
	open, _ := errors.AsType[*breaker.OpenError](b.Check())
	return open
}

// meet records what prevented the lookup.
func (a *answer) meet(ctx context.Context, why *Error) {
	switch {
	case ctx.Err() != nil:
		a.final = true
	case why == nil || why.Reason == errInner:
	case why.Reason == ErrLockedOut:
		a.final, a.obstacle = true, why.Cause
	default:
		a.obstacle = why.Cause
		if open, ok := errors.AsType[*breaker.OpenError](why.Cause); ok {
			a.wait = max(a.wait, open.RetryIn)
		}
		if a.obstacle == nil {
			a.obstacle = why.Reason
		}
	}
}

// runVerify runs Verify.
func (p *payment) runVerify(ctx context.Context, a *answer) (err error) {
	*a = answer{asked: true, began: clock()}
	a.key, a.nonce, a.same = p.place(ctx)
	m := within(ctx)
	defer func() {
		a.ended = clock()
		if value := recover(); value != nil {
			a.found, err = Undecided, &insist.PanicError{Where: "Verify", Kind: fmt.Sprintf("%T", value)}
		}
		if m.cut.Load() && !m.joined.Load() { // made through Apart, so with whatever key
			a.same = false
		}
	}()
	a.found, err = p.performer.verify(ctx)
	if a.failed = err != nil; a.found == Applied {
		a.lost, err = errtree.Tidy(err), nil // it is not asked again, whatever that error asks for
	}
	return err
}

// place returns the key and nonce of a lookup, and whether the key is that of the
// operation.
func (p *payment) place(ctx context.Context) (key string, number uint64, same bool) {
	c := &p.call
	if ticket, ok := nonce.FromContext(ctx); ok && c.r.nonces != nil {
		// Of a send that nobody knows of, nobody knows the key.
		anyKey := p.state.LookFirst && !c.terms.pinned
		return ticket.Key(), ticket.Nonce(), anyKey || c.terms.pinned && ticket.Key() == c.terms.key
	}
	return c.r.key, 0, p.entry.State != EntryOpen || p.entry.Key == "" || p.entry.Key == c.r.key
}

// before starts to release the turn: when the request is written, or after onTheWire. If
// the nonce of the last lookup was refused, only after onTheWire, so that the lane learns
// the answer.
func (g *lookup) before(ctx context.Context, c *call) (context.Context, *Error) {
	if c.ticket == nil {
		return ctx, nil
	}
	g.stop()
	traced, timer := released(ctx, c.ticket, &g.left)
	if g.timer = timer; g.payment.hold {
		return ctx, nil
	}
	return traced, nil
}

// released returns a context for a request. The turn is released when the request is
// written, or after onTheWire.
func released(ctx context.Context, ticket *nonce.Ticket, left *atomic.Bool) (context.Context, *time.Timer) {
	leave := func() {
		left.Store(true)
		ticket.Leave()
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { leave() },
	}), time.AfterFunc(onTheWire, leave)
}

func (g *lookup) stop() {
	if g.timer != nil {
		g.timer.Stop()
	}
}

func (g *lookup) after(context.Context, *call, error) {}

func (g *lookup) refuses(*call, *classify.Verdict) *Error {
	if g.left.Load() {
		return stopped(ErrResync, nil)
	}
	return nil
}

func (g *lookup) annotate(e *Event) bool {
	p := g.payment
	e.Attempts, e.Elapsed = int(p.call.count.sends), p.call.elapsed()
	return p.annotate(e) && e.Kind != EventResend
}

func (g *lookup) complete(*Error) {}

// report emits an event about a lookup.
func (p *payment) report(ctx context.Context, kind EventKind, a *answer) {
	if p.call.r.onEvent == nil {
		return
	}
	e := p.call.event(kind)
	e.Outcome, e.Verdict, e.TraceID = a.found, a.verdict, a.trace
	if a.asked {
		e.Key, e.Took = a.key, a.ended-a.began
	}
	if a.err != nil {
		e.Error = p.call.textOf(a.err)
	}
	p.call.tellObserver(ctx, e)
}

// settled emits that the operation is out of doubt.
func (p *payment) settled(ctx context.Context, found Outcome) {
	p.inDoubt = false
	p.report(ctx, EventSettled, &answer{found: found})
}
