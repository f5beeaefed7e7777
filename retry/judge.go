package retry

import (
	"context"
	"errors"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/proof"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
)

// maxResyncs is how often one call brings its nonce forward. A third refusal
// says that somebody else uses the key.
const maxResyncs = 2

// errInner stands for the reason of an inner call, whose error is passed on.
var errInner = errors.New("an inner call gave up")

// judge finds out what the failed attempt means, for the breaker, for the key
// and for this call, and whether to send again at once with a newer nonce.
func (c *call) judge(ctx context.Context) (outcome breaker.Outcome, resync bool, why *Error) {
	a := c.history.last()
	if inner := callIn(c.err); inner != nil {
		if inner.Reason == ErrNested { // a mistake in the operation, not the end of a call that was made
			return breaker.Ignored, false, c.stopped(ErrNested, nil).because("the operation made a call where none can be made")
		}
		return c.outcomeOf(ctx, inner), false, c.stopped(errInner, nil)
	}
	if a.Verdict.Lockout {
		c.lock(ctx, a)
	}
	once := c.policy.MaxAttempts == 1
	outcome = outcomes[c.policy.Breaker]
	if unanswered(&a.Verdict) {
		outcome = silence(outcome, impatient(ctx, a.Took, c.elapsed()) || proof.NotSent(c.err))
	}
	if a.Verdict.Class != classify.Resync || a.Verdict.RetryAfter > 0 || once || ctx.Err() != nil || c.refused(&a.Verdict) != nil {
		return outcome, false, nil
	}
	why = c.resynced(ctx)
	return outcome, why == nil, why
}

// refused returns why the guard forbids to send again.
func (c *call) refused(v *classify.Verdict) *Error {
	if c.guard == nil {
		return nil
	}
	return c.guard.refuses(c, v)
}

// unanswered reports whether a verdict is on no answer.
func unanswered(v *classify.Verdict) bool { return v.Status == 0 && v.Code == "" }

// silence is what an attempt without an answer says about the server, if that is not
// what the policy makes of its class: it is no sign of life (a certificate that is not
// accepted is fatal, and tells nothing of the server), and where its caller was
// impatient nothing at all.
func silence(outcome breaker.Outcome, impatient bool) breaker.Outcome {
	if outcome == breaker.Success || impatient {
		return breaker.Ignored
	}
	return outcome
}

// impatient reports whether it was the caller who ended the last send of a call:
// one that hung up, or whose deadline had been spent on other things. Where a
// tenth of the time went by before the send, in the queue for a turn above all, a
// healthy server may be without blame. One that had all of it has none to give.
func impatient(ctx context.Context, took, elapsed time.Duration) bool {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return took < elapsed-elapsed/10
	}
	return ctx.Err() != nil
}

// report reports to the breaker what became of the attempt, and for people what it
// failed with if that opens the breaker. A server that asks to be left alone is, by
// everyone.
func (c *call) report(lease *breaker.Lease, outcome breaker.Outcome, why *Error) {
	if outcome == breaker.Success {
		lease.Done(outcome)
		return
	}
	last := c.history.last()
	v, trace := &last.Verdict, last.TraceID
	if why != nil && why.Reason == errInner { // the outcome was made from that one
		if inner := callIn(c.err); inner != nil {
			v, trace = &inner.Verdict, inner.TraceID
		}
	}
	lease.DoneWith(outcome, breaker.Cause{
		Status: v.Status, Code: string(v.Code), Reason: v.Rule, TraceID: trace, RetryAfter: v.RetryAfter,
	})
}

var outcomes = [...]breaker.Outcome{
	0:              breaker.Ignored,
	policy.Failure: breaker.Failure,
	policy.Ignored: breaker.Ignored,
	policy.Success: breaker.Success,
	policy.Trip:    breaker.Trip,
}

// outcomeOf is what an inner call that gave up means to the breaker of the
// outer one, if that does not know already.
func (c *call) outcomeOf(ctx context.Context, inner *Error) breaker.Outcome {
	if inner.reportedTo == c.breaker {
		return breaker.Ignored
	}
	outcome := outcomes[c.tables.policies.For(inner.Verdict).Breaker]
	if unanswered(&inner.Verdict) {
		return silence(outcome, impatient(ctx, inner.took(), inner.Elapsed))
	}
	return outcome
}

// lock locks the key out for every caller.
func (c *call) lock(ctx context.Context, a *Attempt) {
	cause := breaker.LockCause{
		Code: string(a.Verdict.Code), TraceID: a.TraceID,
		Reason: a.Verdict.Rule, Advice: c.tables.advice(a.Verdict.Code),
		Sent: time.Now().Add(-a.Took),
	}
	if c.r.lockout.Lock(c.key(), cause) {
		c.emit(ctx, EventLockedOut, nil)
	}
}

// resynced brings the nonce forward for another send in the same turn, or returns
// why that cannot be.
func (c *call) resynced(ctx context.Context) *Error {
	c.at = 0
	if c.count.resync == maxResyncs {
		return c.stopped(ErrResync, c.foreign(ctx))
	}
	if c.late() {
		return c.stopped(ErrElapsed, nil)
	}
	if err := c.r.lockout.Check(c.key()); err != nil {
		return c.stopped(ErrLockedOut, err)
	}
	if c.ticket != nil {
		newer, err := c.ticket.Resync(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return c.stoppedBy(ctx, err)
		case err != nil:
			return c.stopped(ErrResync, err)
		}
		c.ticket = newer
	}
	c.count.resync++
	c.count.free++
	c.emit(ctx, EventResend, nil)
	if ctx.Err() != nil { // the observer did that
		return c.stoppedBy(ctx, nil)
	}
	return nil
}

// foreign reports the last refusal to the lane, and returns what it makes of it:
// that somebody else uses the key, if it can tell.
func (c *call) foreign(ctx context.Context) error {
	if c.ticket == nil {
		return nil
	}
	_, err := c.ticket.Resync(ctx)
	if foreign, ok := errors.AsType[*nonce.ForeignError](err); ok {
		return foreign
	}
	return nil
}
