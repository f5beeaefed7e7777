package breaker

import (
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/internal/text"
)

// A Lease is the right to make one call. It must not be copied; its methods are safe for concurrent use, and do nothing
// on a nil or zero Lease.
type Lease struct {
	gen   *generation // what its report counts for; nil in a zero Lease
	probe *probe      // nil if it was granted while closed
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
func (l *Lease) Done(o Outcome) {
	if l == nil || l.gen == nil || l.done.Swap(true) {
		return
	}
	g := l.gen
	switch {
	case l.probe != nil:
		g.owner.probed(g, l.probe, o, reasonVerdict)
	case o == Success:
		g.succeeded()
	case o == Failure:
		g.failed()
	case o == Trip:
		g.owner.trip(g, reasonVerdict)
	}
}

// Trip is Done(Trip) with a reason for people, which is cut at 256 bytes and stripped of what is not printable: "140 REST
// API suspended". It stands in the StateChange and in the OpenErrors that follow.
func (l *Lease) Trip(reason string) {
	if l == nil || l.gen == nil || l.done.Swap(true) {
		return
	}
	if reason = text.Line(reason); reason == "" {
		reason = reasonVerdict
	}
	if l.probe != nil {
		l.gen.owner.probed(l.gen, l.probe, Trip, reason)
		return
	}
	l.gen.owner.trip(l.gen, reason)
}
