package breaker

import "time"

// Stats is how a [Breaker] stands and what it has counted. Fields may be added.
type Stats struct {
	Name  string // Config.Name
	State State  // an isolated breaker is Open

	Since    time.Time // when this state began
	Until    time.Time // Open: the end of it; zero where it is not open, or isolated
	Isolated bool      // by a person, until Reset
	Reason   string    // Open: why, for people; otherwise empty

	ReportOnly bool // Config.ReportOnly: it refuses nothing, unless isolated

	InARow   int    // Closed: failures since the last success
	Failures uint64 // Closed: in the window; zero where FailureRatio is off
	Calls    uint64 // Closed: in the window, failures included; zero where FailureRatio is off
	Probes   int    // HalfOpen: that are out

	Refused      uint64 // calls, in this state, or that would have been if it were not ReportOnly
	RefusedInAll uint64 // since the breaker was made, by Reset too
	Transitions  uint64 // changes from one state to another since the breaker was made
}

// Stats returns how the breaker stands now. It counts as no call. Where it finds that time has
// changed the state, OnStateChange hears of that in a goroutine of its own: who reads Stats
// may hold locks that the hook waits for, as collections of metrics do.
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
		go b.tell()
	}
	return s
}
