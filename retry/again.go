package retry

import (
	"context"
	"errors"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/policy"
)

// again decides whether a failed call goes on with another attempt, and after
// which wait.
func (c *call) again(ctx context.Context, opts []Option) bool {
	if c.ended != nil {
		return false
	}
	c.paid = 0
	last := c.history.last()
	last.Wait = last.Verdict.RetryAfter
	if last.Verdict.Class == classify.Retryable {
		b := c.tables.backoff(&last.Verdict)
		last.Wait = max(b.Delay(c.counted()), last.Verdict.RetryAfter)
	}
	if c.once != nil { // what was spent looking has been waited
		last.Wait = max(last.Wait-c.once.waited, 0)
	}
	if !c.allowed(ctx, last, opts) {
		last.Wait = 0
		return false
	}
	carry.Wait(ctx)
	c.emit(ctx, EventResend)
	return true
}

// counted is how many sends count as attempts: resyncs and fixes have bounds of
// their own.
func (c *call) counted() int { return int(c.sends) - int(c.free) }

func (c *call) allowed(ctx context.Context, last *Attempt, opts []Option) bool {
	class := last.Verdict.Class
	switch {
	case class == classify.Fatal:
		return c.stop(ErrFatal, nil)
	case class == classify.FixAndResend:
		f := fix(opts)
		if c.once != nil && c.once.everDoubt || !c.mayResend(&last.Verdict) { // what may have happened is not to be changed
			f = nil
		}
		return c.repair(ctx, last, f)
	case ctx.Err() != nil:
		return c.stopForContext(ctx, nil)
	case (class == classify.Retryable || class == classify.Resync) && !c.mayResend(&last.Verdict):
		return c.stopUnsafe()
	case class == classify.Retryable:
		return c.worthwhile(ctx, last)
	case class == classify.Resync:
		return c.resyncLater(ctx, last)
	}
	return c.stop(ErrUnclassified, nil)
}

// worthwhile weighs everything that stands against a resend of a retryable error,
// and pays for it.
func (c *call) worthwhile(ctx context.Context, last *Attempt) bool {
	p := c.tables.policies.For(last.Verdict)
	if p.MaxAttempts > 0 && c.counted() >= p.MaxAttempts {
		return c.stop(ErrAttempts, nil)
	}
	if !c.mayWait(ctx, last, &p) {
		return false
	}
	if !c.r.budget.take(p.Cost) {
		return c.stop(ErrBudget, nil)
	}
	c.paid = int32(max(p.Cost, 0))
	return true
}

// mayWait weighs everything that stands against the wait, whatever it is for.
func (c *call) mayWait(ctx context.Context, last *Attempt, p *policy.Policy) bool {
	if p.MaxRetryAfter >= 0 && last.Verdict.RetryAfter > p.MaxRetryAfter {
		return c.stop(ErrRetryAfter, nil)
	}
	if p.MaxElapsed >= 0 && c.spent() > p.MaxElapsed-last.Wait {
		return c.stop(ErrElapsed, nil)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= last.Wait {
		return c.stop(ErrDeadline, nil)
	}
	return c.unobstructed(last.Wait)
}

// resyncLater is for a nonce that was refused by a server which asks for a wait
// too. The turn is given back meanwhile, and the next one has a newer nonce.
func (c *call) resyncLater(ctx context.Context, last *Attempt) bool {
	p := c.tables.policies.For(last.Verdict)
	switch {
	case p.MaxAttempts == 1:
		return c.stop(ErrAttempts, nil)
	case c.resync == maxResyncs:
		return c.stop(ErrResync, nil)
	case !c.mayWait(ctx, last, &p):
		return false
	}
	c.resync++
	c.free++
	return true
}

// unobstructed looks for what will surely refuse the next attempt when the
// wait is over. To wait first would only hide it.
func (c *call) unobstructed(wait time.Duration) bool {
	if key, ok := c.onlyKey(); ok {
		if err := c.r.lockout.Check(key); err != nil {
			return c.stop(ErrLockedOut, err)
		}
	}
	if b := c.breaker; b != nil && b.State() == breaker.Open {
		open, ok := errors.AsType[*breaker.OpenError](b.Check())
		if ok && (open.RetryIn > wait || open.RetryIn == 0) {
			return c.stop(ErrOpen, open)
		}
	}
	return true
}

// repair asks the caller to change the request.
func (c *call) repair(ctx context.Context, last *Attempt, fix func(context.Context, *classify.Error) (bool, error)) bool {
	_, once := c.tables.meaning(&last.Verdict)
	if fix == nil || once || ctx.Err() != nil || !c.history.tryFix(last.Verdict.Code) {
		return c.stop(ErrFixAndResend, nil)
	}
	p := c.tables.policies.For(last.Verdict)
	if !c.mayWait(ctx, last, &p) {
		return false
	}
	changed, err := fix(ctx, c.answer(&last.Verdict))
	if err != nil || !changed {
		return c.stop(ErrFixAndResend, err)
	}
	c.free++
	return true
}

// answer is the error as Fix gets it: the answer that decided, or one made up
// from the verdict where the error is of another type.
func (c *call) answer(v *classify.Verdict) *classify.Error {
	if e := deciding(c.err, v); e != nil {
		return e
	}
	e := &classify.Error{Status: v.Status, RetryAfter: v.RetryAfter}
	if v.Code != 0 {
		e.Details = []classify.Detail{{Code: v.Code, Message: v.Rule}}
	}
	return e
}
