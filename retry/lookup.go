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

// onTheWire is for how long a lookup may hold the turn on its key if nobody
// reports that its request is on the wire. Whoever overtakes it then may cause its
// nonce to be refused, which is no answer.
const onTheWire = time.Second

// An answer is what became of one lookup.
type answer struct {
	found    Outcome
	asked    bool          // Verify was run
	failed   bool          // with an error
	same     bool          // on the key of the operation
	key      string        // that it was made with
	nonce    uint64        // that it carried, 0 if it drew its own
	began    time.Duration // on clock(): the last run of Verify
	ended    time.Duration
	err      error            // of Verify
	lost     error            // of Verify beside Applied: the value cannot be had
	trace    string           // that its answer carried
	verdict  classify.Verdict // on err
	obstacle error            // that kept it from asking, or from asking properly
	wait     time.Duration    // that the server or the breaker asks for
	final    bool             // there is no use in looking again
}

// A lookup is one call of Verify, a call of its own, whose guard it is. It stays on
// the key of the operation, has a breaker that is only for lookups, and gives its
// turn back as soon as it can: looking never stops paying (M9).
type lookup struct {
	payment *payment
	timer   *time.Timer
	left    atomic.Bool // the turn was given back
}

// lookup asks Verify once, or again at once with a newer nonce, and leaves the room.
func (p *payment) lookup(ctx context.Context, room *lookupRoom) (a answer) {
	defer room.Leave()
	if open := openUntil(p.call.breaker); open != nil { // waited out
		a.obstacle, a.wait, a.final = open, open.RetryIn, ctx.Err() != nil
		return a
	}
	c := call{part: true}
	p.call.r.begin(&c, markLookup, nil, nil)
	g := &lookup{payment: p}
	c.tables, c.name, c.endpoint, c.adapter = p.call.tables, p.call.name, p.call.endpoint, p.call.adapter
	c.guard, c.breaker = g, room.beside(p.call.breaker)
	c.terms.timeout = cmp.Or(c.tables.timeout, sendTime)
	c.terms.key, c.terms.pinned, c.terms.loose = p.call.terms.key, p.call.terms.pinned, true
	why := c.turn(ctx, func(ctx context.Context) error { return p.ask(ctx, &a) })
	g.stop()
	a.err = cmp.Or(c.err, a.lost)
	p.hold = false
	if last := c.history.last(); last != nil && a.err != nil && !isCall(c.err) { // another call's says nothing of this
		a.verdict, a.wait, a.trace = last.Verdict, last.Verdict.RetryAfter, last.TraceID
		p.doubt.traced(last.TraceID)
		p.hold = a.verdict.Class == classify.Resync
		if protocol.Decide.EndsLooking(a.verdict.Class == classify.Fatal, p.call.decides(&a.verdict)) {
			a.final, a.obstacle = true, &finalError{a.err, a.verdict.Rule}
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

var errOtherKeyAsked = &reason{text: "absent, but asked with another key than the operation was sent with, or through Apart, which proves nothing"}

// A finalError is the API's own word that there is no use in asking again.
type finalError struct {
	err  error
	rule string
}

func (e *finalError) Error() string     { return redact.Text(e.err) + ", " + e.rule }
func (e *finalError) SafeError() string { return e.Error() }
func (e *finalError) Unwrap() error     { return e.err }

// openUntil is why the breaker of the payments keeps lookups off as well, nil if it
// does not: an outage, or a person.
func openUntil(b *breaker.Breaker) *breaker.OpenError {
	if b == nil || b.State() != breaker.Open {
		return nil
	}
	open, _ := errors.AsType[*breaker.OpenError](b.Check())
	return open
}

// meet takes in what stood in the lookup's way.
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

// ask runs Verify.
func (p *payment) ask(ctx context.Context, a *answer) (err error) {
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
	a.found, err = p.performer.find(ctx)
	if a.failed = err != nil; a.found == Applied {
		a.lost, err = errtree.Tidy(err), nil // it is not asked again, whatever that error asks for
	}
	return err
}

// place is with which key and nonce a lookup is made, and whether that is the key
// of the operation.
func (p *payment) place(ctx context.Context) (key string, number uint64, same bool) {
	c := &p.call
	if ticket, ok := nonce.FromContext(ctx); ok && c.r.nonces != nil {
		// Of a send that nobody knows of, nobody knows the key.
		anyKey := p.state.LookFirst && !c.terms.pinned
		return ticket.Key(), ticket.Nonce(), anyKey || c.terms.pinned && ticket.Key() == c.terms.key
	}
	return c.r.key, 0, p.entry.State != EntryOpen || p.entry.Key == "" || p.entry.Key == c.r.key
}

// before begins to give the turn back: when the request is on the wire, or soon. If
// the last lookup was refused for its nonce, it waits for the answer as long as that,
// so that the lane learns of it.
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

// released is a context for a request whose turn is given back, by any ticket of it,
// when the request is on the wire, or soon.
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

// settled emits what the lookups came to.
func (p *payment) settled(ctx context.Context, found Outcome) {
	p.inDoubt = false
	p.report(ctx, EventSettled, &answer{found: found})
}
