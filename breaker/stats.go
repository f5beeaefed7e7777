package breaker

import "time"

// Stats describes the state and the counts of a [Breaker]. Fields may be added.
type Stats struct {
	Name  string // Config.Name
	State State  // an isolated breaker is Open

	Since    time.Time // when this state began
	Until    time.Time // Open: when it ends; zero if not open, or isolated
	Isolated bool      // by a person, until Reset
	Reason   string    // Open: why, for humans; otherwise empty

	ReportOnly bool // Config.ReportOnly: it refuses nothing, unless isolated

	InARow   int    // Closed: failures since the last success
	Failures uint64 // Closed: in the window; zero if FailureRatio is off
	Calls    uint64 // Closed: in the window, failures included; zero if FailureRatio is off
	Probes   int    // HalfOpen: granted and not reported yet

	Refused      uint64 // calls refused in this state, or that ReportOnly let through
	RefusedInAll uint64 // the same since the breaker was made; Reset does not clear it
	Transitions  uint64 // changes from one state to another since the breaker was made
}

// Stats returns the current state and counts. It does not count as a call. If it finds that
// time has changed the state, OnStateChange is called on a goroutine of its own: the caller of
// Stats may hold locks that the hook needs, as a collection of metrics does.
func (b *Breaker) Stats() Stats {
	b.current()
	b.mu.Lock()
	now := b.now()
	was := b.gen.Load()
	g := b.settle(now)
	s := Stats{
		Name: b.cfg.Name, State: g.state, Since: time.Now().Add(g.since - now),
		Isolated: g.isolated, Reason: g.reason, ReportOnly: b.cfg.ReportOnly, Probes: len(b.probes), Refused: g.refused.Load(), Transitions: b.moved,
	}
	s.RefusedInAll = b.refused + s.Refused
	if g.state == Open && !g.isolated {
		s.Until = time.Now().Add(g.until - now)
	}
	if g.state == Closed {
		s.InARow = int(g.inARow.Load())
		if b.cfg.FailureRatio > 0 {
			s.Failures, s.Calls = g.window.sum(now, b.step)
		}
	}
	b.mu.Unlock()
	if g != was && b.cfg.OnStateChange != nil {
		go b.notify()
	}
	return s
}
