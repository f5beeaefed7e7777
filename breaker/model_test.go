package breaker_test

import (
	"slices"
	"time"

	"github.com/nexpay-go/resilience/breaker"
)

// A model is what a Breaker should do, one call after the other and without regard to cost: in sixty lines, not counting
// braces, says TestModelIsSmall. Slow calls and leniency are the pair's.
type model struct {
	cfg              breaker.Config
	pair             *pair // hears of moves, and knows what open time the breaker has drawn
	state            breaker.State
	now, base, until time.Duration
	gen, row, won    int
	calls, failures  []time.Duration // when they were
	probes           []*modelLease
}

type modelLease struct {
	gen   int
	probe bool
	began time.Duration
}

func (m *model) move(to breaker.State, at time.Duration) {
	m.pair.moved(m.state, to, at)
	*m = model{cfg: m.cfg, pair: m.pair, state: to, now: m.now, until: forever, base: m.base, gen: m.gen + 1}
}

func (m *model) open(base, at, took, asked time.Duration) {
	m.move(breaker.Open, at)
	m.base = min(base, m.cfg.MaxOpenFor)
	m.until = at + m.pair.draw(m.base, took, asked)
}

func (m *model) settle() {
	if p := m.probes; len(p) > 0 && p[0].began+m.cfg.ProbeTimeout <= m.now {
		m.open(2*m.base, p[0].began+m.cfg.ProbeTimeout, m.cfg.ProbeTimeout, 0)
	}
	if m.state == breaker.Open && m.now >= m.until {
		m.move(breaker.HalfOpen, m.now)
	}
}

// acquire returns no lease where it refuses, but until when. Isolated, that is for ever.
func (m *model) acquire(take bool) (l *modelLease, until time.Duration) {
	m.settle()
	l = &modelLease{m.gen, m.state == breaker.HalfOpen, m.now}
	switch {
	case m.state == breaker.Open:
		return nil, m.until
	case l.probe && m.won+len(m.probes) == m.cfg.Probes:
		return nil, m.probes[0].began + m.cfg.ProbeTimeout
	case l.probe && take:
		m.probes = append(m.probes, l)
	}
	return l, 0
}

func (m *model) done(l *modelLease, o breaker.Outcome, asked time.Duration) {
	if l.probe {
		m.settle()
	}
	m.probes = slices.DeleteFunc(m.probes, func(p *modelLease) bool { return p == l })
	switch {
	case l.gen != m.gen || o != breaker.Success && o != breaker.Failure && o != breaker.Trip:
	case l.probe && o != breaker.Success:
		m.open(2*m.base, m.now, m.now-l.began, asked)
	case l.probe && m.won+1 == m.cfg.Probes:
		m.move(breaker.Closed, m.now)
	case l.probe:
		m.won++
	case o == breaker.Trip:
		m.open(m.cfg.OpenFor, m.now, 0, asked)
	case o == breaker.Failure:
		m.failed(asked)
	default:
		m.row, m.calls = 0, append(m.calls, m.now)
	}
}

func (m *model) failed(asked time.Duration) {
	old := func(t time.Duration) bool { return 30*m.now/m.cfg.Window-30*t/m.cfg.Window >= 30 }
	m.calls = slices.DeleteFunc(append(m.calls, m.now), old)
	m.failures = slices.DeleteFunc(append(m.failures, m.now), old)
	ratio := float64(len(m.failures)) / float64(len(m.calls))
	if m.row++; m.row >= m.cfg.ConsecutiveFailures || len(m.calls) >= m.cfg.MinCalls && ratio >= m.cfg.FailureRatio {
		m.open(m.cfg.OpenFor, m.now, 0, asked)
	}
}
