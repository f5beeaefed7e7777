package retry

import (
	"context"
	"net/http"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/protocol"
)

// before writes the send into the journal before it reaches the network.
func (p *payment) before(ctx context.Context, c *call) (context.Context, *Error) {
	if !c.terms.pinned {
		c.terms.key, c.terms.pinned = c.key(), true
	}
	if c.key() != c.terms.key || c.r.nonces == nil && c.terms.key != c.r.key {
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
	return p.wires.traced(ctx, c), nil
}

var errOtherKey = &reason{text: "the operation was first sent with another key"}

// after evaluates whether the failed send is proved to have changed nothing.
func (p *payment) after(ctx context.Context, c *call, came error) {
	last := c.history.last()
	if p.state.Window > 0 && last.Verdict.Status == http.StatusConflict && !c.decides(&last.Verdict) {
		last.Verdict.Class = classify.Retryable // the first send is still under way
	}
	p.state.Fence = max(p.state.Fence, p.highest.Load())
	e := protocol.Event{Kind: protocol.Unproved, At: clock()}
	if c.tables.proof(p.noReplay, p.wires.last).Holds(came, c.err, &last.Verdict) {
		last.Verdict.Effect = classify.NotApplied
		e.Kind, e.Last = protocol.Proved, p.final(&last.Verdict)
	} else {
		p.doubt.sent(Sent{At: time.Now().Add(-last.Took), Nonce: p.entry.Nonce}, true)
		p.doubt.traced(last.TraceID)
		p.conclusive(max(p.state.Quiet-clock(), 0))
		p.doubt.Absent = 0
	}
	p.happened(ctx, e)
}

// conclusive records when a lookup becomes conclusive: Settle after nobody can be sending
// any more, which is quiet from now.
func (p *payment) conclusive(quiet time.Duration) {
	p.doubt.Conclusive = time.Now().Add(protocol.Later(quiet, p.state.Settle))
}

// final reports whether a refusal must not be followed by another send.
func (p *payment) final(v *classify.Verdict) bool {
	switch v.Class {
	case classify.Fatal, classify.FixAndResend:
		return true
	case classify.Resync:
		return p.call.count.resync == maxResyncs
	}
	return false
}

// refuses is called before a resend, and before a resync in the same turn.
func (p *payment) refuses(_ *call, v *classify.Verdict) *Error {
	switch {
	case p.state.Phase == protocol.Doubt && p.replays && v.Class == classify.Retryable:
		return nil
	case p.state.Phase != protocol.Clear && p.state.Phase != protocol.Denied:
		return stopped(ErrOutcomeUnknown, nil)
	case p.state.Ever && v.Class == classify.FixAndResend: // what may have happened is not to be changed
		return stopped(ErrFixAndResend, nil)
	}
	return nil
}

// complete completes the error of an operation.
func (p *payment) complete(e *Error) {
	e.ID = p.id
	e.Effect = classify.NotApplied
	switch {
	case p.state.Phase == protocol.NotApplied:
	case e.Reason != ErrOutcomeUnknown: // applied, or for others to know
		e.Effect = classify.Unknown
	default:
		e.Effect, e.Cause, e.Advice = classify.Unknown, nil, "" // the doubt has its own
		p.doubt.Trace = p.rows.Strings()
		e.Doubt = &p.doubt
		if n := len(p.doubt.TraceIDs); n > 0 && e.TraceID == "" {
			e.TraceID = p.doubt.TraceIDs[n-1]
		}
	}
}

// annotate adds the fields of an event that are about a payment.
func (p *payment) annotate(e *Event) bool {
	e.ID, e.Rule = p.id, p.rows.Last()
	e.Effect = classify.Unknown
	switch p.state.Phase {
	case protocol.Start, protocol.Clear, protocol.Closing, protocol.NotApplied:
		e.Effect = classify.NotApplied
	case protocol.Sending:
		if !p.state.Replay {
			e.Effect = classify.NotApplied
		}
	}
	switch {
	case e.Err != nil:
		e.Effect = e.Err.Effect
	case e.Kind == EventJournal:
		e.Effect = classify.Unknown
	}
	return true
}
