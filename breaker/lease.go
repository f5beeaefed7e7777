package breaker

import (
	"sync/atomic"
	"time"
)

// A Lease is the right to make one call. It must not be copied; its methods are safe for concurrent use, and do nothing
// on a nil or zero Lease.
type Lease struct {
	gen   *generation   // what its report counts for; nil in a zero Lease
	probe *probe        // nil if it was granted while closed
	began time.Duration // where slow calls are looked for
	done  atomic.Bool
}

// A probe is a call let through half-open. The breaker keeps it apart from the Lease, which may then stay on its
// caller's stack.
type probe struct {
	report  func(error) // to gobreaker
	expires time.Duration
}

// Probe reports whether the call finds out if the server is back: granted while half-open.
func (l *Lease) Probe() bool { return l != nil && l.probe != nil }

// Done reports what became of the call. Only the first report of a lease counts, and only if the breaker has not changed
// its state since, and was neither isolated nor reset. An unknown outcome is Ignored.
func (l *Lease) Done(o Outcome) { l.report(o, nil) }

// DoneWith is Done with what the call failed with, so that people learn it if that opens the breaker, and so that the
// server is left alone for as long as it asked. It costs next to nothing otherwise, and is worth it for any outcome but
// Success.
func (l *Lease) DoneWith(o Outcome, c Cause) { l.report(o, &c) }

func (l *Lease) report(o Outcome, c *Cause) {
	if l == nil || l.gen == nil || l.done.Swap(true) {
		return
	}
	g := l.gen
	if o == Success && g.owner.cfg.SlowCall > 0 {
		o, c = l.unlessSlow()
	}
	switch {
	case l.probe != nil:
		g.owner.probed(g, l.probe, o, c)
	case o == Success:
		g.succeeded()
	case o == Failure:
		g.failed(c)
	case o == Trip:
		g.owner.tripVerdict(g, c)
	}
}

// unlessSlow is Success, or Failure if the call took too long.
//
//go:noinline
func (l *Lease) unlessSlow() (Outcome, *Cause) {
	b := l.gen.owner
	if took := b.now() - l.began; took >= b.cfg.SlowCall {
		return Failure, &Cause{took: took}
	}
	return Success, nil
}
