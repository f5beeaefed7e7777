package retry

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
)

// turn takes a turn on the key and a lease of the breaker, and sends: once, or
// again at once for as long as a newer nonce is asked for. It reports whether
// that succeeded. Both are given back when it returns, and also when somebody
// else's code panics or exits in it: the operation, a classifier, a method of
// the error, a hook of the breaker's, a nonce source.
func (c *call) turn(ctx context.Context, op func(context.Context) error) (ok bool) {
	if !c.enter(ctx) {
		return false
	}
	held := true
	var lease *breaker.Lease // it stays in this frame: Acquire is inlined
	defer func() {
		if held {
			c.leave()
		}
	}()
	defer func() {
		if held {
			lease.Done(breaker.Ignored)
		}
	}()
	if b := c.breaker; b != nil {
		var err error
		if lease, err = b.Acquire(); err != nil {
			c.unsent()
			return c.stop(ErrOpen, err)
		}
	}
	if ctx.Err() != nil { // a source or a hook took its time
		c.unsent()
		return c.stopForContext(ctx, nil)
	}
	for {
		if c.once != nil && !c.looking && !c.once.begin(ctx) {
			c.unsent()
			return false
		}
		began := clock()
		c.sends++
		c.err = c.run(ctx, op, lease.Probe())
		if c.err == nil {
			lease.Done(breaker.Success)
			break
		}
		if ctx.Err() != nil {
			c.keepOwn(ctx)
		}
		c.record(c.history.add(int(c.sends)), clock()-began)
		c.notice(ctx)
		outcome, resync := c.judge(ctx)
		if !resync {
			c.report(lease, outcome)
			break
		}
	}
	held = false
	c.leave()
	return c.err == nil
}

// keepOwn leaves out of the attempt's error what speaks of another call. It
// proves nothing about a payment then.
//
//go:noinline
func (c *call) keepOwn(ctx context.Context) {
	own := ownError(ctx, c.err)
	if c.once != nil {
		c.once.trimmed = !same(own, c.err)
	}
	c.err = own
}

// record writes the failed attempt into its entry of the history, with the
// verdict on it.
//
// Calls fail by the thousand on the 2 KiB of stack that a goroutine begins
// with, and would keep 4 KiB for as long as they wait had they ever needed
// them: hence the small functions around here, some of them not to be inlined.
func (c *call) record(a *Attempt, took time.Duration) {
	a.Took = took
	if c.tables.catalog != nil {
		a.Verdict = c.tables.catalog.Classify(c.err)
	} else {
		a.Verdict = c.tables.classifier.Classify(c.err)
	}
	a.TraceID = traceID(c.err, &a.Verdict)
	c.doubt = c.doubt || a.Verdict.Effect != classify.NotApplied
}

// traceID is that of the answer in err which v is about, if there is one.
//
//go:noinline
func traceID(err error, v *classify.Verdict) string {
	if answer := deciding(err, v); answer != nil {
		return answer.TraceID
	}
	return ""
}
