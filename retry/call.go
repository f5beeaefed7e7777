package retry

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
)

// call is the state of one call: what was sent, what came of it, and what it
// cost. Why it ends is no part of it: that is returned, as an *Error that [call.end]
// completes. It belongs to one goroutine.
type call struct {
	r        *Retrier
	tables   *tables          // that it began with
	breaker  *breaker.Breaker // nil: none
	guard    guard            // nil: none
	terms    terms
	name     string
	endpoint string
	adapter  carry.Described // that the call is made by; nil: none that says so
	start    time.Duration   // on clock(), 0 if that was not looked at yet
	at       time.Duration   // on clock(), when the last send ended; 0 if that is not known, or there was more since

	ticket   *nonce.Ticket // of the last turn, nil without a source
	err      error         // of the last attempt, nil if it succeeded
	policy   policy.Policy // for the verdict on that
	count    count
	doubt    bool // some attempt may have taken effect
	fallback bool // there is one
	part     bool // of another call's attempt: it is not counted
	counted  bool // it has been
	history  history
	timer    *time.Timer // of its waits, nil in one that has not waited for a context
}

// count is how often a call was sent, and what that cost.
type count struct {
	sends   int32
	free    int8          // of the sends, resyncs and fixes: they have bounds of their own
	resync  int8          // of those, resyncs
	paid    int32         // tokens for the resend under way or next
	cost    int32         // tokens for all of them
	owed    bool          // that one has not been sent yet
	away    time.Duration // not spent on sends: bounds on them leave it out
	rested  time.Duration // of that, since the last send
	sending time.Duration // spent on sends
}

// begin begins a call: every one, whatever kind it is.
// m is the attempt around it, nil if there is none.
func (r *Retrier) begin(c *call, kind markKind, m *mark, opts []Option) {
	c.r, c.tables = r, r.tables.Load()
	if len(opts) > 0 {
		c.name, c.endpoint, c.fallback = name(opts), endpoint(opts), find(opts, optFallback) != nil
	}
	if kind != markCall || r.nonces != nil { // it may be a while to the first send
		c.start = clock()
	}
	c.terms.kind, c.terms.timeout = kind, c.tables.timeout
	switch {
	case kind == markLookup: // has one of its own
	case r.breakers != nil:
		c.breaker = r.breakers.Get(c.endpoint)
	default:
		c.breaker = r.breaker
	}
	if m != nil && m.probes(c.breaker) { // it would wait for itself: it goes with that probe
		c.breaker = nil
	}
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
	if c.terms.pinned {
		return c.terms.key, true
	}
	return c.r.onlyKey()
}

// attempts is how many sends count as attempts.
func (c *call) attempts() int { return int(c.count.sends) - int(c.count.free) }

// elapsed is how long the call took so far.
func (c *call) elapsed() time.Duration {
	switch {
	case c.start == 0: // it has come to nothing yet
		return 0
	case c.at != 0:
		return c.at - c.start
	}
	return clock() - c.start
}

// spent is how much of the policy's MaxElapsed is gone.
func (c *call) spent() time.Duration { return c.elapsed() - c.count.away }

// leave gives the turn on the key back.
func (c *call) leave() {
	if c.ticket != nil {
		c.ticket.Leave()
	}
}

// pay notes what was paid for the resend that is next.
func (c *call) pay(cost int) {
	c.count.paid, c.count.owed = int32(max(cost, 0)), true
	c.count.cost += c.count.paid
}

// refund gives back what was paid for a resend that is not sent after all.
func (c *call) refund() {
	if c.count.owed {
		c.r.budget.giveBack(int(c.count.paid))
		c.count.cost -= c.count.paid
		c.count.owed, c.count.paid = false, 0
	}
}

// succeed books the success. unneeded are sends that do not count: those of a
// hedged attempt that lost.
func (c *call) succeed(ctx context.Context, unneeded int32) {
	c.r.budget.success(int(c.count.paid))
	if c.count.sends-unneeded > 1 {
		c.emit(ctx, EventRecovered, nil)
	}
	if c.r.onCall == nil && c.count.sends == 1 { // nearly all
		c.r.counts.ended[endSuccess].Add(1)
		return
	}
	c.ended(ctx, endSuccess, nil)
}

// abandoned counts a call that a panic, or an exit, has ended.
func (c *call) abandoned(ctx context.Context) { c.ended(ctx, endPanic, nil) }

// end returns the error of a call that ends without success, for the reason e.
func (c *call) end(ctx context.Context, e *Error) error {
	c.refund()
	if e.Reason == errInner {
		c.ended(ctx, endInner, nil)
		return c.err
	}
	if ctx.Err() != nil {
		e.blame(context.Cause(ctx))
	}
	e.Name, _, _ = c.described()
	e.Attempts = int(c.count.sends)
	e.Elapsed = c.elapsed()
	e.History, e.TraceID = c.history.all(e.History)
	e.Last = c.err
	e.reportedTo = c.breaker
	if c.err != nil && (c.r.showErrors || c.tables.told(c.err) != nil) {
		e.own().said = c.textOf(c.err)
	}
	c.interpret(e)
	if c.breaker != nil && c.count.sends > 0 && e.Reason != ErrOpen {
		if open := c.breaker.RetryIn(); open > 0 {
			e.own().openFor = open
		}
	}
	if c.guard != nil {
		c.guard.complete(e)
	}
	if g, ok := c.guard.(interface{ helpless(*Error) bool }); ok && g.helpless(e) {
		e.Advice, _ = ctx.Value(carry.DoubtKey{}).(string)
	}
	if c.r.onEvent != nil {
		kind := EventGaveUp
		if c.fallback && e.unasked() {
			kind = EventFallback
		}
		c.deliver(ctx, kind, e)
	}
	c.ended(ctx, endingOf(e.Reason), e)
	return e
}

// interpret fills in what the errors of the call come to.
func (c *call) interpret(e *Error) {
	if last := c.history.last(); last != nil && !isCall(c.err) { // another call's has its own
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

// advise adds what a person has to know of the last answer, which nothing that a
// machine does will put right.
func (c *call) advise(e *Error) {
	v := &e.Verdict
	once := c.policy.MaxAttempts == 1
	if once || v.Class == classify.FixAndResend || e.Reason == ErrResync {
		e.Advice = c.tables.advice(v.Code)
	}
	if once && e.Reason == ErrAttempts {
		e.because("its policy never sends it again")
	}
	e.unlocked = v.Lockout && c.r.lockout.Check(c.key()) == nil
}
