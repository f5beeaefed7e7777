package breaker

import (
	"fmt"
	"sync/atomic"
	"time"
)

// A generation is one stay in one state, with everything counted in it. A lease reports
// to the generation that granted it; once the breaker has moved on, nobody reads that
// generation any more.
type generation struct {
	owner    *Breaker
	state    State
	since    time.Duration // when it began, since owner.epoch
	isolated bool          // Open until Reset
	until    time.Duration // Open: when it ends, since owner.epoch
	reason   string        // Open: why

	refused atomic.Uint64           // not Closed: calls, including those that ReportOnly let through
	refusal atomic.Pointer[refusal] // Open: the last one made

	inARow atomic.Int64 // Closed: failures since the last success
	window window       // Closed: for FailureRatio
}

// A refusal is an error with the time it was made.
type refusal struct {
	OpenError
	at time.Duration
}

// fresh is for how long callers share an OpenError. Thousands may be refused while a
// breaker is open, and an error a moment old is still true: its RetryIn is an upper
// bound.
const fresh = time.Millisecond

// refuse returns the error with which an open generation refuses a call at now.
func (g *generation) refuse(now time.Duration) *OpenError {
	if r := g.refusal.Load(); r != nil && (g.isolated || now-r.at < fresh) {
		return &r.OpenError
	}
	r := &refusal{OpenError{Name: g.owner.cfg.Name, Reason: g.reason}, now}
	if !g.isolated {
		r.RetryIn = g.until - now
	}
	g.refusal.Store(r)
	return &r.OpenError
}

// open reports whether the generation refuses every call at now.
func (g *generation) open(now time.Duration) bool {
	return g.state == Open && (g.isolated || now < g.until)
}

// succeeded counts a success. It takes no lock, and writes to inARow only if that is not
// zero, so that successes do not contend for it.
func (g *generation) succeeded() {
	if g.inARow.Load() != 0 {
		g.inARow.Store(0)
	}
	b := g.owner
	if b.cfg.FailureRatio > 0 {
		g.window.count(b.now(), b.step, false)
	}
}

// failed counts a failure, and trips the breaker with cause c if a limit is reached.
func (g *generation) failed(c *Cause) {
	b := g.owner
	n := g.inARow.Add(1)
	if limit := b.cfg.ConsecutiveFailures; limit > 0 && n >= int64(limit) {
		b.tripInARow(g, n, c)
		return
	}
	if b.cfg.FailureRatio < 0 {
		return
	}
	now := b.now()
	g.window.count(now, b.step, true)
	failures, calls := g.window.sum(now, b.step)
	// A division, not a product: 7/100 is 0.07 in floating point, but 0.07×100 is above 7.
	if calls >= uint64(b.cfg.MinCalls) && float64(failures)/float64(calls) >= b.cfg.FailureRatio {
		b.tripRatio(g, failures, calls, c)
	}
}

// The functions that build the reasons are not inlined: a usual failure then pays neither time
// nor stack for them, and late failures of a generation that has tripped skip them.

//go:noinline
func (b *Breaker) tripInARow(g *generation, n int64, c *Cause) {
	if b.gen.Load() == g {
		b.trip(g, counted(n, "failure")+" in a row"+c.after(reasonLast), c.asked())
	}
}

//go:noinline
func (b *Breaker) tripRatio(g *generation, failures, calls uint64, c *Cause) {
	if b.gen.Load() == g {
		b.trip(g, fmt.Sprintf("%d of %d calls failed in %v", failures, calls, b.cfg.Window)+c.after(reasonLast), c.asked())
	}
}

//go:noinline
func (b *Breaker) tripNow(g *generation, c *Cause) {
	if b.gen.Load() == g {
		b.trip(g, c.tripReason(), c.asked())
	}
}

// counted returns "1 failure" or "2 failures".
func counted(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
