package retry

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/internal/protocol"
)

// sendTime limits a lookup that has no other limit, and a Send if others depend on how long
// it may take.
const sendTime = time.Minute

// A payment drives one operation through the protocol of internal/protocol. It turns what
// happened into protocol events, and does what the phase asks for. The rows of the protocol
// say what an event means. A payment holds a call, and is its guard. It belongs to one
// goroutine.
type payment struct {
	call            call
	id, fingerprint string
	performer       performer // Send and Verify
	verifiable      bool      // Verify is set
	noReplay        bool
	giveUp          time.Duration
	idempotent      time.Duration

	state      protocol.State
	event      protocol.Event // the last one
	rows       protocol.Trail
	unanswered []string  // owners of Begins without an answer
	entry      Entry     // what the journal holds, as far as known
	first      time.Time // of the first send
	wires      wires
	highest    atomic.Uint64 // nonce of the nested calls in Send
	replays    bool          // the next send in doubt may be a replay
	hold       bool          // the next lookup holds its turn until its answer
	why        *Error        // why it is not sent again
	lost       error         // error of Verify with Applied: the value is lost
	doubt      Doubt
	inDoubt    bool // as reported by EventDoubt and EventSettled
	undated    bool // the inherited entry has a time in the future, so its age is unknown
}

// do runs the operation.
func (p *payment) do(ctx context.Context, r *Retrier, opts []Option) error {
	over := false
	defer func() {
		if !over {
			p.call.abandoned(ctx)
		}
	}()
	err := p.run(ctx, r, opts)
	over = true
	return err
}

func (p *payment) run(ctx context.Context, r *Retrier, opts []Option) error {
	c, m := &p.call, within(ctx)
	r.begin(c, markSend, m, opts)
	c.adapter, _ = ctx.(carry.Described)
	c.guard, c.terms.timeout, c.terms.highest = p, p.takes(), &p.highest
	p.doubt.ID, p.doubt.Settle = p.id, p.state.Settle
	p.state.Window = protocol.Decide.Window(p.idempotent, c.terms.timeout, p.state.Settle)
	p.replays = p.state.Window > 0
	p.state.Quiet = clock() // nobody was sending before, as far as is known
	if m != nil {
		if m.kind != markApart {
			return c.end(ctx, stopped(ErrNested, errOnceIn))
		}
		if why := r.misplaced(m); why != nil {
			return c.end(ctx, stopped(ErrNested, why))
		}
	}
	if !r.claims.Take(p.id) {
		return c.end(ctx, stopped(ErrBusy, nil))
	}
	defer r.claims.Free(p.id)
	returned := false
	defer func() { p.remember(returned) }()
	p.read(ctx)
	for !p.state.Phase.Over() {
		switch p.state.Phase {
		case protocol.Clear:
			p.attempt(ctx, opts)
		case protocol.Doubt:
			p.resolve(ctx, opts)
		case protocol.Half, protocol.Denied:
			p.verify(ctx)
		case protocol.Fetch:
			p.fetch(ctx)
		case protocol.Closing:
			p.close(ctx)
		default:
			panic("retry: no step for " + p.state.Phase.String())
		}
	}
	err := p.end(ctx)
	returned = true
	return err
}

// takes returns how long a send may take. There must be a limit if a journal or expiring
// idempotency keys depend on it.
func (p *payment) takes() time.Duration {
	c := &p.call
	if c.tables.timeout == 0 && (c.r.journal != nil || p.idempotent > 0) {
		return sendTime
	}
	return c.tables.timeout
}

// happened applies a protocol event.
func (p *payment) happened(ctx context.Context, e protocol.Event) {
	from, replay := p.state.Phase, p.state.Replay
	p.event = e
	row := protocol.Payment.Apply(&p.state, &p.event)
	if row == nil {
		return
	}
	p.rows.Add(row)
	to := p.state.Phase
	switch {
	case from == protocol.Sending && replay: // the doubt stood all the time
		if to == protocol.Applied {
			p.settled(ctx, Applied)
		}
	case !doubtful(from) && (doubtful(to) || to == protocol.Unknown):
		p.inDoubt = true
		p.call.emit(ctx, EventDoubt, nil)
	case to == protocol.Half:
		p.doubt.Absent = 1
	case doubtful(from) && e.Kind == protocol.FoundApplied:
		p.settled(ctx, Applied)
	case doubtful(from) && e.Kind == protocol.FoundAbsent:
		p.doubt.Absent++
		if !to.Over() {
			p.settled(ctx, Absent)
		}
	}
}

// doubtful reports whether the payment may have happened in that phase.
func doubtful(phase protocol.Phase) bool {
	return phase == protocol.Doubt || phase == protocol.Half || phase == protocol.Denied
}

// attempt sends the payment, first or again: no earlier send has taken effect.
func (p *payment) attempt(ctx context.Context, opts []Option) {
	c, why := &p.call, p.why
	switch {
	case why != nil: // of a send that was in doubt since
	case c.history.last() != nil:
		why = c.shouldRetry(ctx, opts)
		if why == nil && !c.rest(ctx) {
			why = stoppedBy(ctx, nil)
		}
	case p.state.Ever: // an earlier process sent it
		c.emit(ctx, EventResend, nil)
	}
	if why == nil {
		why = p.sent(ctx)
	}
	if p.state.Phase == protocol.Denied && why == nil {
		why = c.limits(ctx, c.history.last(), opts)
	}
	p.stop(ctx, why)
}

// sent sends. It returns why the call must not send again.
func (p *payment) sent(ctx context.Context) *Error {
	c := &p.call
	if !c.r.sends.Enter(ctx) {
		return stoppedBy(ctx, nil)
	}
	defer c.r.sends.Leave()
	why := c.turn(ctx, p.send)
	if why == nil && c.err == nil {
		p.happened(ctx, protocol.Event{Kind: protocol.Succeeded, At: clock()})
	}
	return why
}

// send runs Send once. If that panics or exits, the operation is in doubt.
func (p *payment) send(ctx context.Context) error {
	returned := false
	defer func() {
		if !returned {
			p.call.err = errNoReturn // for the event, as no caller sees it
			p.happened(ctx, protocol.Event{Kind: protocol.Unproved, At: clock()})
		}
	}()
	err := p.performer.perform(ctx)
	returned = true
	return err
}

var errNoReturn = &reason{text: "Send panicked or ended its goroutine"}

// stop records why the payment is not sent again.
func (p *payment) stop(ctx context.Context, why *Error) {
	if why == nil {
		return
	}
	p.why = why
	p.call.refund()
	switch p.state.Phase {
	case protocol.Clear:
		p.happened(ctx, protocol.Event{Kind: protocol.Stopped, At: clock(), Last: why.Reason == ErrResync})
	case protocol.Sending:
		p.happened(ctx, protocol.Event{Kind: protocol.Unsent, At: clock()})
	}
}

// end returns the result of the call.
func (p *payment) end(ctx context.Context) error {
	c := &p.call
	switch p.state.Phase {
	case protocol.Applied:
		p.book(ctx, EntryApplied)
		if !p.state.Lost && p.lost == nil {
			c.succeed(ctx, 0)
			return nil
		}
		if p.lost != nil {
			c.err = p.lost
		}
		return c.end(ctx, stopped(ErrApplied, p.doubt.Blocked))
	case protocol.Busy:
		return c.end(ctx, stopped(ErrBusy, nil))
	case protocol.Unknown:
		p.book(ctx, EntryOpen)
		return c.end(ctx, stopped(ErrOutcomeUnknown, nil))
	}
	if p.why.Reason == errInner { // of a call that Send made
		p.why = stopped(ErrUnclassified, nil).because("a call inside Send failed")
	}
	return c.end(ctx, p.why)
}
