package retry

import (
	"context"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/protocol"
)

// sendTime bounds a lookup that nothing else bounds, and a Send where others have
// to know for how long it may take.
const sendTime = time.Minute

// A payment drives one operation through the protocol of internal/protocol: it
// turns what happened into events, and does what the phase asks for. What an event
// means is a row there. It holds a call, whose guard it is. It belongs to one
// goroutine.
type payment struct {
	call            call
	id, fingerprint string
	performer       performer // Send and Verify
	verifiable      bool      // there is a Verify
	noReplay        bool
	giveUp          time.Duration
	idempotent      time.Duration

	state     protocol.State
	event     protocol.Event // the last one
	rows      trail
	entry     Entry     // what the journal holds, as far as is known
	first     time.Time // of the first send
	wire      *wire     // of the last send
	firstWire wire
	replays   bool   // the next send in doubt may be a replay
	hold      bool   // the next lookup keeps its turn until it is answered
	why       *Error // why it is not sent again
	lost      error  // of Verify beside Applied: the value cannot be had
	doubt     Doubt
}

// do runs the operation.
func (p *payment) do(ctx context.Context, r *Retrier, opts []Option) error {
	c, m := &p.call, within(ctx)
	r.begin(c, markSend, m, opts)
	c.guard, c.terms.timeout = p, p.takes()
	p.doubt.ID, p.doubt.Settle = p.id, p.state.Settle
	p.state.Window = protocol.Decide.Window(p.idempotent, c.terms.timeout, p.state.Settle)
	p.replays = p.state.Window > 0
	if m != nil {
		if m.kind != markApart {
			return c.end(ctx, stopped(ErrNested, errOnceIn))
		}
		if why := r.misplaced(m); why != nil {
			return c.end(ctx, stopped(ErrNested, why))
		}
	}
	if !r.claim(p.id) {
		return c.end(ctx, stopped(ErrBusy, nil))
	}
	defer r.release(p.id)
	p.read(ctx)
	for !p.state.Phase.Over() {
		switch p.state.Phase {
		case protocol.Clear:
			p.attempt(ctx, opts)
		case protocol.Doubt:
			p.resolve(ctx, opts)
		case protocol.Half, protocol.Denied:
			p.look(ctx)
		case protocol.Fetch:
			p.fetch(ctx)
		case protocol.Closing:
			p.close(ctx)
		default:
			panic("retry: no step for " + p.state.Phase.String())
		}
	}
	return p.end(ctx)
}

// takes is how long a send may take: others have to know where there is a journal,
// and so does who counts on keys that the API forgets.
func (p *payment) takes() time.Duration {
	c := &p.call
	if c.tables.timeout == 0 && (c.r.journal != nil || p.idempotent > 0) {
		return sendTime
	}
	return c.tables.timeout
}

// happened takes the payment to its next phase.
func (p *payment) happened(ctx context.Context, e protocol.Event) {
	from := p.state.Phase
	p.event = e
	row := protocol.Payment.Apply(&p.state, &p.event)
	if row == nil {
		return
	}
	p.rows.add(row)
	to := p.state.Phase
	switch {
	case !doubtful(from) && (doubtful(to) || to == protocol.Unknown):
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

// doubtful reports whether the payment may have happened, in that phase.
func doubtful(phase protocol.Phase) bool {
	return phase == protocol.Doubt || phase == protocol.Half || phase == protocol.Denied
}

// attempt sends, for the first time or again, now that nothing sent before has
// taken effect.
func (p *payment) attempt(ctx context.Context, opts []Option) {
	c, why := &p.call, p.why
	switch {
	case why != nil: // of a send that was in doubt since
	case c.history.last() != nil:
		why = c.shouldRetry(ctx, opts)
		if why == nil && !sleep(ctx.Done(), c.pause()) {
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

// resolve sends in doubt what the API keeps from happening twice, and looks when
// that is used up.
func (p *payment) resolve(ctx context.Context, opts []Option) {
	if !p.replays {
		p.look(ctx)
		return
	}
	why := p.replayable(ctx, opts)
	if why == nil {
		why = p.sent(ctx)
	}
	if why != nil { // the doubt stands
		p.replays = false
		p.call.refund()
		if p.state.Phase == protocol.Sending {
			p.happened(ctx, protocol.Event{Kind: protocol.Unsent, At: clock()})
		}
	}
}

// replayable returns what forbids another replay.
func (p *payment) replayable(ctx context.Context, opts []Option) *Error {
	c := &p.call
	if protocol.Decide.Age(p.first, time.Now()) >= p.state.Window {
		return stopped(ErrElapsed, nil)
	}
	if c.history.last() == nil { // an earlier process sent it
		c.emit(ctx, EventResend, nil)
		return nil
	}
	if why := c.shouldRetry(ctx, opts); why != nil {
		return why
	}
	if !sleep(ctx.Done(), c.pause()) {
		return stoppedBy(ctx, nil)
	}
	return nil
}

// sent sends, and returns why the call cannot go on with another send.
func (p *payment) sent(ctx context.Context) *Error {
	c := &p.call
	if !c.r.sends.enter(ctx) {
		return stoppedBy(ctx, nil)
	}
	defer c.r.sends.leave()
	why := c.turn(ctx, p.send)
	if why == nil && c.err == nil {
		p.happened(ctx, protocol.Event{Kind: protocol.Succeeded, At: clock()})
	}
	return why
}

// send is one send. A panic, or an exit, in it is on its way to whoever waits for
// it, and leaves a doubt.
func (p *payment) send(ctx context.Context) error {
	returned := false
	defer func() {
		if !returned {
			p.happened(ctx, protocol.Event{Kind: protocol.Unproved, At: clock()})
		}
	}()
	err := p.performer.perform(ctx)
	returned = true
	return err
}

// stop notes why the payment is not sent again.
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

// before has the journal know of the send before the network does.
func (p *payment) before(ctx context.Context, c *call) (context.Context, *Error) {
	if !c.terms.pinned {
		c.terms.key, c.terms.pinned = c.key(), true
	}
	if c.key() != c.terms.key {
		return nil, stopped(ErrNonce, errOtherKey)
	}
	why := p.begin(ctx)
	if p.state.Phase != protocol.Sending {
		if why == nil {
			why = stopped(ErrElapsed, nil) // the time for replays was over
		}
		return nil, why
	}
	// What may have come while the journal was written.
	if ctx.Err() != nil {
		return nil, stoppedBy(ctx, nil)
	}
	if err := c.r.lockout.Check(c.terms.key); err != nil {
		return nil, stopped(ErrLockedOut, err)
	}
	p.wire = &p.firstWire
	if c.count.sends > 0 { // whose hooks may come late
		p.wire = new(wire)
	}
	return p.wire.traced(ctx), nil
}

var errOtherKey = &reason{text: "the nonce source gave a turn on another key than the operation was first sent with"}

// after finds out whether the failed send is proved to have changed nothing.
func (p *payment) after(ctx context.Context, c *call, came error) {
	last := c.history.last()
	if p.state.Window > 0 && last.Verdict.Status == 409 && !p.decides(&last.Verdict) {
		last.Verdict.Class = classify.Retryable // the first send is still under way
	}
	e := protocol.Event{Kind: protocol.Unproved, At: clock()}
	proof := proof{c.tables, p.noReplay, p.wire}
	if proof.proved(came, c.err, &last.Verdict) {
		last.Verdict.Effect = classify.NotApplied
		e.Kind, e.Last = protocol.Proved, p.final(&last.Verdict)
	} else {
		p.doubt.sent(Sent{At: time.Now().Add(-last.Took), Nonce: p.entry.Nonce}, true)
		p.doubt.traced(last.TraceID)
		p.doubt.Conclusive = time.Now().Add(p.state.Settle)
		p.doubt.Absent = 0
	}
	p.happened(ctx, e)
}

// decides reports whether a rule for the code made the verdict.
func (p *payment) decides(v *classify.Verdict) bool {
	if v.Code == 0 || p.call.tables.catalog == nil {
		return v.Code != 0
	}
	_, known := p.call.tables.catalog.Lookup(v.Code)
	return known
}

// final reports whether a refusal is not to be followed by another send.
func (p *payment) final(v *classify.Verdict) bool {
	switch v.Class {
	case classify.Fatal, classify.FixAndResend:
		return true
	case classify.Resync:
		return p.call.count.resync == maxResyncs
	}
	return false
}

// refuses is asked by the limits of the call, and before a resync in the same turn.
func (p *payment) refuses(_ *call, v *classify.Verdict) *Error {
	switch {
	case p.state.Phase == protocol.Doubt && p.replays && v.Class == classify.Retryable:
		return nil
	case p.state.Phase != protocol.Clear:
		return stopped(ErrOutcomeUnknown, nil)
	case p.state.Ever && v.Class == classify.FixAndResend: // what may have happened is not to be changed
		return stopped(ErrFixAndResend, nil)
	}
	return nil
}

// A panicError stands for a panic in code of the caller's. Its value may hold anything.
type panicError struct{ where, kind string }

func (e *panicError) Error() string     { return e.where + " panicked with a " + e.kind }
func (e *panicError) SafeError() string { return e.Error() }

func panicked(where string, value any) error { return &panicError{where, fmt.Sprintf("%T", value)} }

// end returns what the caller gets.
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
	if p.why.Reason == errInner {
		return c.end(ctx, stopped(ErrUnclassified, nil))
	}
	return c.end(ctx, p.why)
}

// complete completes the error of an operation.
func (p *payment) complete(e *Error) {
	e.ID = p.id
	e.Effect = classify.NotApplied
	switch e.Reason {
	case ErrApplied, ErrBusy, ErrNested:
		e.Effect = classify.Unknown
	case ErrOutcomeUnknown:
		e.Effect, e.Cause = classify.Unknown, nil
		p.doubt.Trace = p.rows.strings()
		e.Doubt = &p.doubt
		if n := len(p.doubt.TraceIDs); n > 0 && e.TraceID == "" {
			e.TraceID = p.doubt.TraceIDs[n-1]
		}
	}
}

// annotate adds what an event says of a payment.
func (p *payment) annotate(e *Event) bool {
	e.ID, e.Rule = p.id, p.rows.last()
	e.Effect = classify.NotApplied
	if doubtful(p.state.Phase) || p.state.Phase == protocol.Unknown || e.Kind == EventJournal {
		e.Effect = classify.Unknown
	}
	return true
}

// A trail is the rows that a payment went through: the first and the last ones.
type trail struct {
	rows [most]*protocol.Row
	n    int
}

func (t *trail) add(row *protocol.Row) {
	if t.n == most {
		copy(t.rows[most/2:], t.rows[most/2+1:])
		t.n--
	}
	t.rows[t.n] = row
	t.n++
}

func (t *trail) last() string {
	if t.n == 0 {
		return ""
	}
	return t.rows[t.n-1].String()
}

func (t *trail) strings() []string {
	all := make([]string, t.n)
	for i, row := range t.rows[:t.n] {
		all[i] = row.String()
	}
	return all
}
