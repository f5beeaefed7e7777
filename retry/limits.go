package retry

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/policy"
)

// shouldRetry returns why a failed call ends, or nil if another attempt follows. It records
// the wait in the history.
func (c *call) shouldRetry(ctx context.Context, opts []Option) *Error {
	last := c.history.last()
	c.count.paid, c.count.owed = 0, false
	last.Wait = last.Verdict.RetryAfter
	if last.Verdict.Class == classify.Retryable {
		last.Wait = max(c.policy.Backoff.Delay(c.attempts()), last.Verdict.RetryAfter)
	}
	if last.Verdict.RetryAfter > 0 {
		c.spread(last)
	}
	last.Wait = max(last.Wait-c.count.rested, 0)
	c.count.rested = 0
	if why := c.limits(ctx, last, opts); why != nil {
		last.Wait = 0
		return why
	}
	carry.BeforeWait(ctx)
	c.emit(ctx, EventResend, nil)
	return nil
}

// spread lengthens a wait that the server asked for by up to a tenth, so that callers with
// the same Retry-After do not all come back at the same instant. It never shortens it.
//
//go:noinline
func (c *call) spread(last *Attempt) {
	named := last.Verdict.RetryAfter
	if most := named / 10; most > 0 && c.policy.Backoff.Jitter != policy.JitterNone {
		last.Wait = max(last.Wait, named+rand.N(most))
	}
}

// limits returns why there must be no other attempt, depending on the class of the last
// failure.
func (c *call) limits(ctx context.Context, last *Attempt, opts []Option) *Error {
	class := last.Verdict.Class
	switch {
	case class == classify.Fatal:
		return c.stopped(ErrFatal, nil)
	case class == classify.FixAndResend:
		return c.fixable(ctx, last, fix(opts))
	case ctx.Err() != nil:
		return c.stoppedBy(ctx, nil)
	case class != classify.Retryable && class != classify.Resync:
		return c.stopped(ErrUnclassified, nil)
	}
	if why := c.refused(&last.Verdict); why != nil {
		return why
	}
	if class == classify.Resync {
		return c.resyncable(ctx, last)
	}
	return c.retryable(ctx, last)
}

// retryable returns why a retryable error must not be retried, or takes the tokens for the
// resend from the budget.
func (c *call) retryable(ctx context.Context, last *Attempt) *Error {
	p := &c.policy
	if p.MaxAttempts > 0 && c.attempts() >= p.MaxAttempts {
		return c.stopped(ErrAttempts, nil)
	}
	if why := c.canWait(ctx, last); why != nil {
		return why
	}
	if !c.r.budget.take(p.Cost) {
		why := c.stopped(ErrBudget, nil)
		why.own().budget = c.r.budget.usedUp(p.Cost)
		return why
	}
	c.pay(p.Cost)
	return nil
}

// canWait returns why the call must not wait before its next send.
func (c *call) canWait(ctx context.Context, last *Attempt) *Error {
	p := &c.policy
	if p.MaxRetryAfter >= 0 && last.Verdict.RetryAfter > p.MaxRetryAfter {
		return c.tooLong(p.MaxRetryAfter)
	}
	if spent := c.spent(); p.MaxElapsed >= 0 && spent > p.MaxElapsed-last.Wait {
		return c.noTime(spent, last.Wait, p.MaxElapsed)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= last.Wait {
		return c.stopped(ErrDeadline, nil)
	}
	return c.obstructed(last.Wait)
}

// tooLong ends a call because the server asks for a wait longer than most.
//
//go:noinline
func (c *call) tooLong(most time.Duration) *Error {
	why := c.stopped(ErrRetryAfter, nil)
	why.own().bound = waitBound{most: most}
	return why
}

// noTime ends a call whose MaxElapsed is over, or would be over after the wait.
//
//go:noinline
func (c *call) noTime(spent, wait, most time.Duration) *Error {
	why := c.stopped(ErrElapsed, nil)
	if wait > 0 && spent <= most {
		why.own().bound = waitBound{most, most - spent, wait}
	}
	return why
}

// late reports whether MaxElapsed is over. It does not apply to lookups, which GiveUp
// limits.
func (c *call) late() bool {
	most := c.policy.MaxElapsed
	return most >= 0 && c.spent() > most && c.terms.kind != markLookup
}

// resyncable is for a refused nonce whose answer also asks for a wait. The turn is released
// during the wait, and the next turn has a newer nonce.
func (c *call) resyncable(ctx context.Context, last *Attempt) *Error {
	p := &c.policy
	switch {
	case p.MaxAttempts == 1:
		return c.stopped(ErrAttempts, nil)
	case c.count.resync == maxResyncs:
		return c.stopped(ErrResync, nil)
	}
	if why := c.canWait(ctx, last); why != nil {
		return why
	}
	c.count.resync++
	c.count.free++
	return nil
}

// obstructed returns what is certain to refuse the next attempt after the wait. Waiting
// first would only delay the error.
func (c *call) obstructed(wait time.Duration) *Error {
	if key, ok := c.onlyKey(); ok {
		if err := c.r.lockout.Check(key); err != nil {
			return c.stopped(ErrLockedOut, err)
		}
	}
	if b := c.breaker; b != nil && b.State() == breaker.Open {
		open, ok := errors.AsType[*breaker.OpenError](b.Check())
		if ok && (open.RetryIn > wait || open.RetryIn == 0) {
			return c.stopped(ErrOpen, open)
		}
	}
	return nil
}

// fixable runs the caller's Fix. It returns why the call ends, nil if it goes on.
func (c *call) fixable(ctx context.Context, last *Attempt, fix func(context.Context, *classify.Error) (bool, error)) *Error {
	if fix == nil || c.policy.MaxAttempts == 1 || ctx.Err() != nil || c.refused(&last.Verdict) != nil || !c.history.tryFix(last.Verdict.Code) {
		return c.stopped(ErrFixAndResend, nil)
	}
	if why := c.canWait(ctx, last); why != nil {
		return why
	}
	c.at = 0
	changed, err := c.fixed(ctx, fix, c.answer(&last.Verdict))
	switch {
	case err != nil:
		return c.stopped(ErrFixAndResend, err).because("the request has to be changed, and its Fix failed")
	case !changed:
		return c.stopped(ErrFixAndResend, nil).because("the request has to be changed, and its Fix changed nothing")
	}
	c.count.free++
	return nil
}

// fixed runs a Fix. A panic or exit in it ends the call.
func (c *call) fixed(ctx context.Context, fix func(context.Context, *classify.Error) (bool, error), e *classify.Error) (changed bool, err error) {
	returned := false
	defer func() {
		if !returned {
			c.abandoned(ctx)
		}
	}()
	changed, err = fix(ctx, e)
	returned = true
	return changed, err
}

// answer returns the error that Fix gets: the answer that decided, or one made from the
// verdict if the error has another type.
func (c *call) answer(v *classify.Verdict) *classify.Error {
	if e := deciding(c.err, v); e != nil {
		return e
	}
	if c.tables.catalog != nil {
		if e := c.tables.catalog.Answer(c.err); e != nil && len(e.Details) > 0 && e.Details[0].Message != "" {
			return e
		}
	}
	e := &classify.Error{Status: v.Status, RetryAfter: v.RetryAfter}
	if v.Code != "" {
		e.Details = []classify.Detail{{Code: v.Code, Message: v.Rule}}
	}
	return e
}
