package retry

import (
	"context"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
)

// A call is the state of one call: what was sent, the results, and the cost. Why it ends is
// not part of it; that is returned as an *Error that [call.end] completes. It belongs to
// one goroutine.
type call struct {
	r        *Retrier
	tables   *tables          // current when it began
	breaker  *breaker.Breaker // nil: none
	guard    guard            // nil: none
	terms    terms
	name     string
	endpoint string
	adapter  carry.Described // that makes the call; nil: none, or one that does not describe itself
	start    time.Duration   // on clock(), 0 if it was not read yet
	at       time.Duration   // on clock(), when the last send ended; 0 if unknown, or if the call did more since

	ticket   *nonce.Ticket // of the last turn, nil without a source
	err      error         // of the last attempt, nil if it succeeded
	policy   policy.Policy // for its verdict
	count    count
	doubt    bool // some attempt may have taken effect
	fallback bool // there is one
	nested   bool // of another call's attempt: it is not counted
	counted  bool // it was counted
	history  history
	timer    *time.Timer // of its waits, nil if it has not waited for a context yet
}

// A count is how often a call was sent, and what that cost.
type count struct {
	sends   int32
	free    int8          // sends that were resyncs or fixes, which have their own limits
	resync  int8          // of those, resyncs
	paid    int32         // tokens for the current or next resend
	cost    int32         // tokens for all of them
	owed    bool          // that resend has not been sent yet
	away    time.Duration // time that does not count towards MaxElapsed
	rested  time.Duration // part of it since the last send
	sending time.Duration // spent on sends
}

// begin initializes a call of any kind. m is the mark of the surrounding attempt, nil if
// there is none.
func (r *Retrier) begin(c *call, kind markKind, m *mark, opts []Option) {
	c.r, c.tables = r, r.tables.Load()
	if len(opts) > 0 {
		c.name, c.endpoint = find(opts, optName).text, find(opts, optEndpoint).text
		c.fallback = find(opts, optFallback) != &noOption
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

// key returns the name of the API key of the last attempt, or of the next one. It is empty
// if that is not known yet.
func (c *call) key() string {
	if c.ticket != nil {
		return c.ticket.Key()
	}
	key, _ := c.onlyKey()
	return key
}

// onlyKey returns the key of all further attempts, if it is known.
func (c *call) onlyKey() (key string, ok bool) {
	if c.terms.pinned {
		return c.terms.key, true
	}
	return c.r.onlyKey()
}

// attempts returns how many sends count as attempts.
func (c *call) attempts() int { return int(c.count.sends) - int(c.count.free) }

// elapsed returns the duration of the call so far.
func (c *call) elapsed() time.Duration {
	switch {
	case c.start == 0: // it has come to nothing yet
		return 0
	case c.at != 0:
		return c.at - c.start
	}
	return clock() - c.start
}

// spent returns how much of the policy's MaxElapsed is used.
func (c *call) spent() time.Duration { return c.elapsed() - c.count.away }

// leave releases the turn on the key.
func (c *call) leave() {
	if c.ticket != nil {
		c.ticket.Leave()
	}
}

// pay records the price of the next resend.
func (c *call) pay(cost int) {
	c.count.paid, c.count.owed = int32(max(cost, 0)), true
	c.count.cost += c.count.paid
}

// refund returns the price of a resend that is not sent after all.
func (c *call) refund() {
	if c.count.owed {
		c.r.budget.giveBack(int(c.count.paid))
		c.count.cost -= c.count.paid
		c.count.owed, c.count.paid = false, 0
	}
}

// succeed records the success. unneeded are sends that do not count: those of a hedged
// attempt that lost.
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

// abandoned counts a call that ended by a panic or exit.
func (c *call) abandoned(ctx context.Context) { c.ended(ctx, endPanic, nil) }

// end returns the error of a call that ends without success, completing e.
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
	if g, ok := c.guard.(advising); ok && g.helpless(e) {
		e.Advice, _ = ctx.Value(carry.DoubtKey{}).(string)
		if claims := g.claims(e); claims != "" {
			e.Advice = strings.TrimPrefix(e.Advice+"; or "+claims, "; or ")
		}
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

// An advising guard may have ended a call in doubt for which no rule has advice.
type advising interface {
	helpless(*Error) bool
	claims(*Error) string
}

// interpret fills in verdict, effect and trace id of the call.
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

// advise adds what a person must know about the last answer if no retry can help.
func (c *call) advise(e *Error) {
	v := &e.Verdict
	once := c.policy.MaxAttempts == 1
	if once || v.Class == classify.FixAndResend || e.Reason == ErrResync {
		e.Advice = c.tables.advice(v.Code)
	}
	if once && e.Reason == ErrAttempts {
		e.because("not retryable by its policy")
	}
	e.unlocked = v.Lockout && c.r.lockout.Check(c.key()) == nil
}
