package breaker

import (
	"sync/atomic"
	"time"
)

// A Lease permits one call. It must not be copied. Its methods are safe for concurrent
// use, and do nothing on a nil or zero Lease.
type Lease struct {
	gen   *generation   // where its report counts; nil in a zero Lease
	probe *probe        // nil if it was granted while closed
	began time.Duration // set only if Config.SlowCall is
	done  atomic.Bool
}

// A probe is a call let through while half-open. The breaker keeps it apart from the
// Lease, which may then stay on its caller's stack.
type probe struct {
	report  func(error) // to gobreaker
	expires time.Duration
}

// Probe reports whether the lease was granted while half-open: its call finds out whether
// the server is back.
func (l *Lease) Probe() bool { return l != nil && l.probe != nil }

// Done reports the outcome of the call. Only the first report of a lease counts, and only
// if the breaker has not changed its state since and was neither isolated nor reset. An
// unknown outcome counts as Ignored.
func (l *Lease) Done(o Outcome) { l.report(o, nil) }

// DoneWith is Done with the cause of the failure. If the failure opens the breaker, the
// cause appears in its errors and state changes, and the breaker stays open for as long
// as the server asked for. Otherwise it costs next to nothing: use it for every outcome
// but Success.
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
		g.owner.tripNow(g, c)
	}
}

// unlessSlow returns Success, or Failure if the call took too long.
//
//go:noinline
func (l *Lease) unlessSlow() (Outcome, *Cause) {
	b := l.gen.owner
	if took := b.now() - l.began; took >= b.cfg.SlowCall {
		return Failure, &Cause{took: took}
	}
	return Success, nil
}
