package retry

import (
	"context"
	"errors"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
)

// sendPart sends once. The attempt around it judges the error, unless that goes
// out with another key: it would lock its own for what was said of this one.
// Then the part judges itself, and the outer call passes its *Error on. Nor does
// the attempt's lease speak for a breaker that is not its own.
func (c *call) sendPart(ctx context.Context, op func(context.Context) error, by holder, probing bool) error {
	judge := judgeIn(ctx)
	alone := judge.r == nil || judge.key != c.key()
	var lease *breaker.Lease
	defer func() { lease.Done(breaker.Ignored) }() // unless it is done
	if b := c.breaker; b != nil && !probing && (alone || judge.breaker != b) {
		var err error
		if lease, err = b.Acquire(); err != nil {
			c.stop(ErrOpen, err)
			return c.end(ctx)
		}
	}
	c.inner = alone || lease != nil // of calls further in this is the attempt around them
	began := clock()
	c.err = c.runPart(ctx, op, by, lease.Probe())
	if c.err == nil {
		lease.Done(breaker.Success)
		return nil
	}
	switch took := clock() - began; {
	case alone:
		return c.judgePart(ctx, lease, took)
	case lease != nil:
		c.record(c.history.add(1), took)
		c.report(lease, c.outcome(ctx))
	}
	return c.err
}

// A holder is who holds the turn, as a carry.Context has it, and the breaker whose lease it has.
type holder struct{ owner, breaker any }

func (c *call) runPart(ctx context.Context, op func(context.Context) error, by holder, probe bool) error {
	c.sends = 1
	if c.ticket != nil {
		ctx = &carry.Context{Context: ctx, Ticket: c.ticket, Owner: by.owner, Breaker: by.breaker}
	}
	return c.runMarked(ctx, op, probe)
}

// judgePart does what a call of its own would, except to send again: the outer
// turn would be held until then.
func (c *call) judgePart(ctx context.Context, lease *breaker.Lease, took time.Duration) error {
	if ctx.Err() != nil {
		c.err = ownError(ctx, c.err)
	}
	last := c.history.add(1)
	c.record(last, took)
	c.notice(ctx)
	outcome, _ := c.judge(ctx)
	c.report(lease, outcome)
	switch class := last.Verdict.Class; {
	case c.ended != nil:
	case ctx.Err() == nil && (class == classify.Retryable || class == classify.Resync):
		c.stop(ErrAttempts, nil)
		c.ended.instead = "sent once, inside the attempt of another call"
	default:
		c.allowed(ctx, last, nil)
	}
	err := c.end(ctx)
	if lease == nil { // the breaker hears of it from the attempt around this
		c.ended.reportedTo = nil
	}
	return err
}

// outcome is what the failed part means to a breaker of its own.
func (c *call) outcome(ctx context.Context) breaker.Outcome {
	if inner, ok := errors.AsType[*Error](c.err); ok && inner != nil {
		c.stop(errInner, nil)
		return c.outcomeOf(ctx, inner)
	}
	a := c.history.last()
	mode, _ := c.tables.meaning(&a.Verdict)
	return tells(&a.Verdict, outcomes[mode], impatient(ctx, a.Took, clock()-c.start))
}
