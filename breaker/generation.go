package breaker

import (
	"fmt"
	"sync/atomic"
	"time"
)

// A generation is one stay in one state, and all that is counted in it. A lease reports to the generation that granted
// it: once the breaker has moved on, that is an object nobody looks at any more.
type generation struct {
	owner    *Breaker
	state    State
	since    time.Duration // when it began, since owner.epoch
	isolated bool          // Open until Reset
	until    time.Duration // Open: the end of it, since owner.epoch
	reason   string        // Open: what for

	refused atomic.Uint64           // not Closed: calls, be it only for the record
	refusal atomic.Pointer[refusal] // Open: the last one made

	inARow atomic.Int64 // Closed: failures since the last success
	window window       // Closed: what the ratio is taken from
}

// A refusal is an error, and when it was made.
type refusal struct {
	OpenError
	at time.Duration
}

// fresh is for how long an OpenError is given to callers. They come by the thousand
// while a breaker is open, and one that is a moment old is as true: it names the time
// until a call may be let through, at most.
const fresh = time.Millisecond

// refuse says why an open generation refuses a call at now.
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

// succeeded counts a call. It takes no lock, and writes to inARow only if there is something to forget, so that
// successes do not fight for it.
func (g *generation) succeeded() {
	if g.inARow.Load() != 0 {
		g.inARow.Store(0)
	}
	b := g.owner
	if b.cfg.FailureRatio > 0 {
		g.window.count(b.now(), b.step, false)
	}
}

// failed counts a call, and trips the breaker because of c if it was one too many.
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

// The reasons are made out of the way, where they cost the usual failure neither time nor stack, and not at all for the
// many late failures of a generation that has tripped already.

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
func (b *Breaker) tripVerdict(g *generation, c *Cause) {
	if b.gen.Load() == g {
		b.trip(g, c.verdict(), c.asked())
	}
}

// counted is "1 failure" or "2 failures".
func counted(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
