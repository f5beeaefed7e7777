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

// maxResyncs is how often one call takes a newer nonce. A third refusal means that
// something else uses the key.
const maxResyncs = 2

// errInner stands for the reason of a nested call, whose error is passed on.
var errInner = errors.New("an inner call gave up")

// judge evaluates the failed attempt for the breaker, for the key and for this call. It
// returns whether to send again at once with a newer nonce, or why the call ends.
func (c *call) judge(ctx context.Context) (outcome breaker.Outcome, resync bool, why *Error) {
	a := c.history.last()
	if inner := callIn(c.err); inner != nil {
		if inner.Reason == ErrNested { // a mistake in the operation, not the end of a call that was made
			return breaker.Ignored, false, c.stopped(ErrNested, nil).because("the operation made a call that is not allowed there")
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

// refused returns why the guard forbids to send again, nil if it does not.
func (c *call) refused(v *classify.Verdict) *Error {
	if c.guard == nil {
		return nil
	}
	return c.guard.refuses(c, v)
}

// unanswered reports whether there was no answer to classify.
func unanswered(v *classify.Verdict) bool { return v.Status == 0 && v.Code == "" }

// silence returns the breaker outcome of an attempt without an answer. It is never a
// success: a certificate that is not accepted is fatal, but shows nothing about the server.
// If the caller was impatient, the attempt is ignored.
func silence(outcome breaker.Outcome, impatient bool) breaker.Outcome {
	if outcome == breaker.Success || impatient {
		return breaker.Ignored
	}
	return outcome
}

// impatient reports whether the caller ended the last send: by canceling, or by a deadline
// that was mostly spent on something else. If a tenth of the time passed before the send,
// above all in the queue for a turn, a healthy server may not be to blame. A send that had
// all of the time has no such excuse.
func impatient(ctx context.Context, took, elapsed time.Duration) bool {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return took < elapsed-elapsed/10
	}
	return ctx.Err() != nil
}

// report reports the outcome of the attempt to the breaker, with the failure for people if
// it opens the breaker. The breaker applies a Retry-After to all callers.
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

// outcomeOf returns what a nested call that gave up means to the breaker of the outer call,
// if the breaker has not counted it already.
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

// lock locks the key out for all callers.
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

// resynced takes a newer nonce for another send in the same turn. It returns why that is
// not possible.
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

// foreign reports the last refusal to the lane. It returns the lane's error if that shows
// that something else uses the key.
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
