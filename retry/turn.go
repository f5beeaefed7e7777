package retry

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
)

// turn takes a turn on the key and a lease of the breaker, and sends: once, or
// again at once for as long as a newer nonce is asked for. It returns why the call
// ends, if it does; c.err is what the last send failed with. Turn and lease are
// given back when it returns, and also when somebody else's code panics or exits
// in it: the operation, a classifier, a method of the error, a hook of the
// breaker's, a nonce source.
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

// errCut is why a turn ended that a panic, or an exit, has ended.
var errCut = new(Error)

// failed takes in the error of the attempt.
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

// took books the time of a send that is over, and tells of it.
func (c *call) took(ctx context.Context, took time.Duration) {
	c.count.sending += took
	if c.r.onAttempt != nil {
		c.attempted(ctx, took)
	}
}

// record writes the failed attempt into its entry of the history, with the
// verdict on it.
//
// Calls fail by the thousand on the 2 KiB of stack that a goroutine begins
// with, and would keep 4 KiB for as long as they wait had they ever needed
// them: hence the small functions around here, some of them not to be inlined.
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

// inVain makes a time-out of a cancellation that was not the caller's wish, as the
// context of the call is alive: a watchdog of the operation's own, say, waited in
// vain for the next byte of an answer. "canceled" is the word of package classify.
//
//go:noinline
func (a *Attempt) inVain() {
	if v := &a.Verdict; v.Class == classify.Unclassified && v.Rule == "canceled" {
		v.Class, v.Rule = classify.Retryable, "no answer in time"
	}
}

// consult looks up the policy for the last attempt's verdict.
//
//go:noinline
func (c *call) consult() { c.policy = c.tables.policies.For(c.history.last().Verdict) }

// traceID is that of the answer in err which v is about, if there is one.
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
