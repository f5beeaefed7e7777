package retry

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
)

// turn takes a turn on the key and a lease of the breaker, and sends: once, or again at
// once while a newer nonce is needed. It returns why the call ends, if it does; c.err is
// the error of the last send. Turn and lease are released when it returns. They are also
// released if other code panics or exits: the operation, a classifier, a method of the
// error, a hook of the breaker, a nonce source.
func (c *call) turn(ctx context.Context, op func(context.Context) error) (why *Error) {
	why = errCut // until something else is returned
	held := true
	var lease *breaker.Lease // it stays in this frame: Acquire is inlined
	defer func() {
		if held {
			c.leave()
		}
		if why == errCut {
			c.abandoned(ctx)
		}
	}()
	defer func() {
		if held {
			lease.Done(breaker.Ignored)
		}
	}()
	if why := c.enter(ctx); why != nil {
		return why
	}
	if b := c.breaker; b != nil {
		var err error
		if lease, err = b.Acquire(); err != nil {
			return c.stopped(ErrOpen, err)
		}
	}
	if ctx.Err() != nil { // a source or a hook took its time
		return c.stoppedBy(ctx, nil)
	}
	for {
		sending := ctx
		if c.guard != nil {
			var why *Error
			c.terms.untraced = ctx
			if sending, why = c.guard.before(ctx, c); why != nil {
				return why
			}
		}
		began := clock()
		if c.start == 0 {
			c.start = began
		}
		c.count.sends++
		c.count.owed = false
		c.err = c.send(sending, op, lease.Probe())
		if c.err == nil {
			lease.Done(breaker.Success)
			held = false
			c.leave()
			if c.r.onCall != nil || c.r.onAttempt != nil {
				ended := clock()
				if c.guard == nil {
					c.at = ended
				}
				c.took(ctx, ended-began)
			}
			return nil
		}
		ended := clock()
		if c.guard == nil { // else there may be more to do than to decide
			c.at = ended
		}
		outcome, resync, why := c.failed(ctx, ended-began)
		if resync {
			continue
		}
		c.report(lease, outcome, why)
		held = false
		c.leave()
		return why
	}
}

// errCut is why of a turn that ended by a panic or exit.
var errCut = new(Error)

// failed evaluates the error of the attempt.
func (c *call) failed(ctx context.Context, took time.Duration) (outcome breaker.Outcome, resync bool, why *Error) {
	came := c.err
	if ctx.Err() != nil {
		c.err = ownError(ctx, came)
	}
	c.record(c.history.add(int(c.count.sends)), took)
	if ctx.Err() == nil {
		c.history.last().inVain()
	}
	c.notice(ctx)
	if c.guard != nil {
		c.guard.after(ctx, c, came)
	}
	c.took(ctx, took)
	c.consult()
	return c.judge(ctx)
}

// took adds up the time of a send that has ended, and reports the attempt.
func (c *call) took(ctx context.Context, took time.Duration) {
	c.count.sending += took
	if c.r.onAttempt != nil {
		c.attempted(ctx, took)
	}
}

// record writes the failed attempt and its verdict into its entry of the history.
//
// Thousands of calls may fail at once, on the 2 KiB of stack that a goroutine starts with.
// A call that once needs more keeps 4 KiB for as long as it waits. Therefore the functions
// around here are small, and some of them must not be inlined.
func (c *call) record(a *Attempt, took time.Duration) {
	a.Took = took
	if isCall(c.err) { // judged where it was made
		c.doubt = true
		return
	}
	c.tables.judge(c.err, &a.Verdict)
	a.TraceID = c.tables.traceID(c.err, &a.Verdict)
	c.doubt = c.doubt || a.Verdict.Effect != classify.NotApplied
}

// inVain turns a cancellation into a timeout if the call's context is alive, so that the
// caller did not cancel: a watchdog of the operation, for example, waited in vain for the
// next byte of an answer. "canceled" is the rule name of package classify.
//
//go:noinline
func (a *Attempt) inVain() {
	if v := &a.Verdict; v.Class == classify.Unclassified && v.Rule == "canceled" {
		v.Class, v.Rule = classify.Retryable, "no answer in time"
	}
}

// consult looks up the policy for the verdict of the last attempt.
//
//go:noinline
func (c *call) consult() { c.policy = c.tables.policies.For(c.history.last().Verdict) }

// traceID returns the trace id of the answer in err that v is about, if there is one.
//
//go:noinline
func (t *tables) traceID(err error, v *classify.Verdict) string {
	if answer := deciding(err, v); answer != nil {
		return answer.TraceID
	}
	if t.catalog != nil {
		if told := t.catalog.Answer(err); told != nil {
			return told.TraceID
		}
	}
	return ""
}
