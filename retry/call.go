package retry

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
)

// call is the ledger of one call: what was sent, what came of it, what was
// paid, and in the end why it stopped. It belongs to one goroutine.
type call struct {
	r        *Retrier
	tables   *tables          // that it began with
	breaker  *breaker.Breaker // nil: none
	start    time.Duration    // on clock()
	name     string
	ticket   *nonce.Ticket // of the last turn, nil without a source
	err      error         // of the last attempt, nil if it succeeded
	ended    *Error        // why the call ends, nil while it goes on
	sends    int32
	unneeded int32 // of the sends, those of a hedged attempt that lost
	paid     int32 // tokens for the resend under way or next
	free     int8  // of the sends, resyncs and fixes
	resync   int8  // of those, resyncs
	doubt    bool  // some attempt may have taken effect
	looking  bool  // a lookup of once, not a send
	inner    bool  // made from inside an attempt of another call
	part     bool  // of that attempt: it sends once
	fallback bool  // there is one

	resends   Resends
	connected *atomic.Bool // during the last send, where that is proof

	history history
	once    *once // whose call this is; nil for Do
}

// key names the API key that the last attempt went out with, or the next one
// will, empty where that is not known yet.
func (c *call) key() string {
	if c.ticket != nil {
		return c.ticket.Key()
	}
	key, _ := c.onlyKey()
	return key
}

// onlyKey is the key that every further attempt goes out with, if that is known.
func (c *call) onlyKey() (key string, ok bool) {
	if c.once != nil && c.once.pinned {
		return c.once.key, true
	}
	return c.r.onlyKey()
}

// spent is how much of the policy's MaxElapsed is gone.
func (c *call) spent() time.Duration {
	spent := clock() - c.start
	if c.once != nil {
		spent -= c.once.looked
	}
	return spent
}

// stop notes why the call ends. It returns false, which in every question that
// a call asks itself means: no further.
func (c *call) stop(reason, cause error) bool {
	c.ended = &Error{Reason: reason, Cause: cause}
	return false
}

// stopForContext is stop for a context that is over.
func (c *call) stopForContext(ctx context.Context, cause error) bool {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return c.stop(ErrDeadline, cause)
	}
	return c.stop(ErrCanceled, cause)
}

// leave gives the turn on the key back.
func (c *call) leave() {
	if c.ticket != nil {
		c.ticket.Leave()
	}
}

// succeed books the success.
func (c *call) succeed(ctx context.Context) {
	c.r.budget.success(int(c.paid))
	if c.sends-c.unneeded > 1 {
		c.emit(ctx, EventRecovered)
	}
}

// end returns the error of a call that ends without success.
func (c *call) end(ctx context.Context) error {
	if c.ended == nil { // it was waiting
		c.unsent()
		c.stopForContext(ctx, nil)
	}
	e := c.ended
	if e.Reason == errInner {
		return c.err
	}
	if ctx.Err() != nil {
		e.blame(context.Cause(ctx))
	}
	e.Name = c.name
	e.Attempts = int(c.sends)
	e.Elapsed = clock() - c.start
	e.History, e.TraceID = c.history.all()
	e.Last = c.err
	e.reportedTo = c.breaker
	c.interpret(e)
	if c.once != nil {
		c.once.tell(e)
	}
	if c.r.onEvent != nil {
		kind := EventGaveUp
		if c.fallback && e.unasked() {
			kind = EventFallback
		}
		c.deliver(ctx, kind)
	}
	return e
}

// interpret fills in what the errors of the call come to.
func (c *call) interpret(e *Error) {
	if last := c.history.last(); last != nil {
		e.Verdict = last.Verdict
		c.advise(e)
	}
	if !c.doubt {
		e.Effect = classify.NotApplied
	}
	if locked := e.lockedBy(); locked != nil && e.TraceID == "" {
		e.TraceID = locked.TraceID
	}
}

// advise tells what a person has to know of the last answer, which nothing that a
// machine does will put right.
func (c *call) advise(e *Error) {
	v := &e.Verdict
	_, once := c.tables.meaning(v)
	if once || v.Class == classify.FixAndResend || e.Reason == ErrResync {
		e.Advice = c.tables.advice(v.Code)
	}
	if once && e.Reason == ErrAttempts {
		e.instead = "its policy never sends it again"
	}
	e.unlocked = v.Lockout && c.r.lockout.Check(c.key()) == nil
}

// unsent gives back what was paid for a resend that is not sent after all.
func (c *call) unsent() {
	c.r.budget.giveBack(int(c.paid))
}

// pause is how long to wait before the next attempt.
func (c *call) pause() time.Duration { return c.history.last().Wait }

// sleep waits for d, and reports whether it did: false if done was closed
// first. It is small because this is where calls spend their time.
func sleep(done <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	select {
	case <-timer.C:
		return true
	case <-done:
		timer.Stop()
		return false
	}
}
