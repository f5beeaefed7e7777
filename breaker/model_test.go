package breaker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/breaker"
)

// A model is what a Breaker should do, one call after the other and without regard to cost. It knows the breaker's open
// times from outside, because they are drawn.
type model struct {
	cfg           breaker.Config
	draw          func(base, asked time.Duration) time.Duration
	now           time.Duration
	state         breaker.State
	isolated      bool
	gen, row, won int
	base, until   time.Duration
	counted       []modelCall
	probes        []*modelLease
	changes       []modelChange
}

type modelLease struct {
	gen     int
	done    bool
	probe   bool
	expires time.Duration
}

type modelCall struct {
	tick   time.Duration
	failed bool
}

type modelChange struct {
	from, to breaker.State
	at       time.Duration
}

func (m *model) move(to breaker.State, at time.Duration) {
	if m.state != breaker.Closed || to != breaker.Closed {
		m.changes = append(m.changes, modelChange{m.state, to, at})
	}
	m.gen, m.state, m.isolated = m.gen+1, to, false
	m.row, m.won, m.counted, m.probes = 0, 0, nil, nil
}

func (m *model) open(base, at, asked time.Duration) {
	m.move(breaker.Open, at)
	m.base = min(base, m.cfg.MaxOpenFor)
	m.until = at + m.draw(m.base, asked)
}

func (m *model) settle() {
	if len(m.probes) > 0 && m.probes[0].expires <= m.now {
		m.open(2*m.base, m.probes[0].expires, 0)
	}
	if m.state == breaker.Open && !m.isolated && m.now >= m.until {
		m.move(breaker.HalfOpen, m.now)
	}
}

// refusal returns whether a call is refused, and until when.
func (m *model) refusal() (retryIn time.Duration, refused bool) {
	m.settle()
	switch {
	case m.isolated:
		return 0, true
	case m.state == breaker.Open:
		return m.until - m.now, true
	case m.state == breaker.HalfOpen && m.won+len(m.probes) == m.cfg.Probes:
		return m.probes[0].expires - m.now, true
	}
	return 0, false
}

// acquire is called when refusal has said that it may.
func (m *model) acquire() *modelLease {
	l := &modelLease{gen: m.gen, probe: m.state == breaker.HalfOpen, expires: m.now + m.cfg.ProbeTimeout}
	if l.probe {
		m.probes = append(m.probes, l)
	}
	return l
}

func (m *model) done(l *modelLease, o breaker.Outcome, asked time.Duration) {
	if l.done {
		return
	}
	l.done = true
	if l.probe {
		m.settle()
	}
	switch {
	case l.gen != m.gen:
	case l.probe:
		m.probed(l, o, asked)
	case o == breaker.Trip:
		m.open(m.cfg.OpenFor, m.now, asked)
	case o == breaker.Success || o == breaker.Failure:
		m.count(o == breaker.Failure, asked)
	}
}

func (m *model) probed(l *modelLease, o breaker.Outcome, asked time.Duration) {
	for i, p := range m.probes {
		if p == l {
			m.probes = append(m.probes[:i:i], m.probes[i+1:]...)
		}
	}
	switch o {
	case breaker.Success:
		if m.won++; m.won == m.cfg.Probes {
			m.move(breaker.Closed, m.now)
		}
	case breaker.Failure, breaker.Trip:
		m.open(2*m.base, m.now, asked)
	}
}

func (m *model) count(failed bool, asked time.Duration) {
	step := m.cfg.Window / 30
	m.counted = append(m.counted, modelCall{m.now / step, failed})
	if !failed {
		m.row = 0
		return
	}
	m.row++
	calls, failures := 0, 0
	for _, c := range m.counted {
		if m.now/step-c.tick < 30 {
			calls++
			if c.failed {
				failures++
			}
		}
	}
	ratio := float64(failures) / float64(calls)
	if m.row >= m.cfg.ConsecutiveFailures || calls >= m.cfg.MinCalls && ratio >= m.cfg.FailureRatio {
		m.open(m.cfg.OpenFor, m.now, asked)
	}
}

// A pair is a breaker and its model, and what the hook of the breaker heard.
type pair struct {
	b       *breaker.Breaker
	m       *model
	start   time.Time
	leases  []*breaker.Lease
	models  []*modelLease
	changes []breaker.StateChange
	drawn   int // how many of changes the model has taken open times from
}

func newPair(t *rapid.T) *pair {
	p := &pair{start: time.Now()}
	cfg := breaker.Config{
		ConsecutiveFailures: rapid.IntRange(1, 8).Draw(t, "in a row"),
		FailureRatio:        rapid.SampledFrom([]float64{0.2, 0.5, 1}).Draw(t, "ratio"),
		MinCalls:            rapid.IntRange(1, 8).Draw(t, "min calls"),
		// Milliseconds: rapid takes the time it has from the same virtual clock.
		Window:        30 * time.Millisecond,
		OpenFor:       10 * time.Millisecond,
		MaxOpenFor:    time.Duration(rapid.IntRange(10, 60).Draw(t, "max open")) * time.Millisecond,
		Probes:        rapid.IntRange(1, 3).Draw(t, "probes"),
		ProbeTimeout:  10 * time.Millisecond,
		OnStateChange: func(c breaker.StateChange) { p.changes = append(p.changes, c) },
	}
	b, err := breaker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.b = b
	p.m = &model{cfg: cfg, draw: func(base, asked time.Duration) time.Duration { return p.draw(t, base, asked) }}
	return p
}

// draw returns the next open time that the breaker has drawn.
func (p *pair) draw(t *rapid.T, base, asked time.Duration) time.Duration {
	for ; p.drawn < len(p.changes); p.drawn++ {
		if d := p.changes[p.drawn].RetryIn; d != 0 {
			p.drawn++
			if d < max(base*4/5, asked) || d > max(min(base*6/5, p.m.cfg.MaxOpenFor), asked) {
				t.Fatalf("open for %v, drawn from %v, asked for %v", d, base, asked)
			}
			return d
		}
	}
	t.Fatalf("the breaker did not open, the model did")
	return 0
}

func (p *pair) acquire(t *rapid.T) {
	l, err := p.b.Acquire()
	p.compare(t, err)
	if err != nil {
		return
	}
	ml := p.m.acquire()
	if l.Probe() != ml.probe {
		t.Fatalf("a probe: %v, should be %v", l.Probe(), ml.probe)
	}
	p.leases, p.models = append(p.leases, l), append(p.models, ml)
}

// compare checks what Acquire or Check answered.
func (p *pair) compare(t *rapid.T, err error) {
	retryIn, refused := p.m.refusal()
	if refused != (err != nil) {
		t.Fatalf("answered %v, refused should be %v", err, refused)
	}
	if refused && err.(*breaker.OpenError).RetryIn != retryIn {
		t.Fatalf("%v, should be retry in %v", err, retryIn)
	}
}

func (p *pair) done(t *rapid.T) {
	if len(p.leases) == 0 {
		return
	}
	// Mostly a recent one: those of the current generation make things happen.
	i := len(p.leases) - 1
	if rapid.IntRange(0, 2).Draw(t, "which") == 0 {
		i = rapid.IntRange(0, i).Draw(t, "lease")
	}
	o := p.outcome(t)
	asked := time.Duration(rapid.SampledFrom([]int{0, 0, 0, 5, 11, 15, 30}).Draw(t, "asked")) * time.Millisecond
	if asked == 0 {
		p.leases[i].Done(o)
	} else {
		p.leases[i].DoneWith(o, breaker.Cause{RetryAfter: asked})
	}
	p.m.done(p.models[i], o, asked)
}

func (p *pair) outcome(t *rapid.T) breaker.Outcome {
	switch n := rapid.IntRange(0, 99).Draw(t, "outcome"); {
	case n < 45:
		return breaker.Success
	case n < 90:
		return breaker.Failure
	case n < 95:
		return breaker.Ignored
	case n < 98:
		return breaker.Trip
	}
	return 0
}

func (p *pair) sleep(t *rapid.T) {
	// To the nanosecond at which something ends, to either side of it, or anywhere.
	d := time.Duration(rapid.SampledFrom([]int{1, 100, 1000, 3000, 10_000, 20_000, 50_000}).Draw(t, "µs")) * time.Microsecond
	edge := rapid.IntRange(-1, 2).Draw(t, "edge")
	next := p.m.until
	if len(p.m.probes) > 0 {
		next = p.m.probes[0].expires
	}
	if next += time.Duration(edge); edge < 2 && next > p.m.now {
		d = next - p.m.now
	}
	time.Sleep(d)
	p.m.now += d
}

// agree looks at everything that can be seen. It is no look that settles anything, so that late looks are tried, too.
func (p *pair) agree(t *rapid.T) {
	if len(p.changes) != len(p.m.changes) {
		t.Fatalf("%d changes, should be %d", len(p.changes), len(p.m.changes))
	}
	for i, c := range p.changes {
		if got := (modelChange{c.From, c.To, c.At.Sub(p.start)}); got != p.m.changes[i] {
			t.Fatalf("change %d is %v, should be %v", i, got, p.m.changes[i])
		}
	}
}

// A bubble is a test in virtual time without its Deadline, which rapid would ask for and may not.
type bubble struct{ rapid.TB }

func TestAgainstModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 { // of a hundred sequences each: one takes microseconds
			rapid.Check(bubble{t}, func(t *rapid.T) {
				p := newPair(t)
				// Longer than rapid's own: a breaker has to fail, open, wait and probe before it gets interesting.
				for range rapid.IntRange(1, 300).Draw(t, "steps") {
					p.step(t)
					p.agree(t)
				}
			})
		}
	})
}

func (p *pair) step(t *rapid.T) {
	switch n := rapid.IntRange(0, 99).Draw(t, "step"); {
	case n < 35:
		p.acquire(t)
	case n < 75:
		p.done(t)
	case n < 90:
		p.sleep(t)
	case n < 93:
		p.compare(t, p.b.Check())
	case n < 96:
		got := p.b.State()
		if p.m.settle(); got != p.m.state {
			t.Fatalf("%v, should be %v", got, p.m.state)
		}
	case n < 97:
		p.b.Isolate("")
		p.m.settle()
		p.m.move(breaker.Open, p.m.now)
		p.m.isolated = true
	case n < 98 || p.m.isolated:
		p.b.Reset()
		p.m.settle()
		p.m.move(breaker.Closed, p.m.now)
	}
}
