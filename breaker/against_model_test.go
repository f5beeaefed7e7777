package breaker_test

import (
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/breaker"
)

// A pair is a breaker and its model, what the hook of the one heard, and how the other moved.
type pair struct {
	t       *rapid.T
	b       *breaker.Breaker
	m       *model
	start   time.Time
	leases  []leased
	changes []breaker.StateChange
	moves   []move
	drawn   int    // how many of changes the model has taken open times from
	refused uint64 // in this state
}

// A leased call is one that nobody has reported.
type leased struct {
	l *breaker.Lease
	m *modelLease // nil: for the record only
}

// forever is until when an isolated breaker refuses.
const forever = time.Duration(math.MaxInt64)

type move struct {
	from, to breaker.State
	at       time.Duration
	refused  uint64
}

func newPair(t *rapid.T) *pair {
	p := &pair{t: t, start: time.Now()}
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
		SlowCall:      time.Duration(rapid.SampledFrom([]int{0, 0, 3, 15}).Draw(t, "slow")) * time.Millisecond,
		ReportOnly:    rapid.IntRange(0, 3).Draw(t, "report only") == 0,
		OnStateChange: func(c breaker.StateChange) { p.changes = append(p.changes, c) },
	}
	b, err := breaker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.b = b
	p.m = &model{cfg: cfg, pair: p}
	return p
}

// moved notes a move of the model's.
func (p *pair) moved(from, to breaker.State, at time.Duration) {
	if from != breaker.Closed || to != breaker.Closed {
		p.moves = append(p.moves, move{from, to, at, p.refused})
	}
	p.refused = 0
}

// draw returns the next open time that the breaker has drawn.
func (p *pair) draw(base, took, asked time.Duration) time.Duration {
	for ; p.drawn < len(p.changes); p.drawn++ {
		if d := p.changes[p.drawn].RetryIn; d != 0 {
			p.drawn++
			less := func(drawn time.Duration) time.Duration {
				if asked > 0 {
					return drawn
				}
				return drawn - min(took, drawn/2)
			}
			if d < less(max(base*2/3, asked)) || d > less(max(base, asked)) {
				p.t.Fatalf("open for %v, drawn from %v after a probe of %v, asked for %v", d, base, took, asked)
			}
			return d
		}
	}
	p.t.Fatalf("the breaker did not open, the model did")
	return 0
}

func (p *pair) acquire(t *rapid.T) {
	l, err := p.b.Acquire()
	ml := p.compare(t, err, true)
	if err != nil {
		return
	}
	if probe := ml != nil && ml.probe; l.Probe() != probe {
		t.Fatalf("a probe: %v, should be %v", l.Probe(), probe)
	}
	p.leases = append(p.leases, leased{l, ml})
}

// compare checks what Acquire or Check answered.
func (p *pair) compare(t *rapid.T, err error, take bool) *modelLease {
	ml, until := p.m.acquire(take)
	refused := ml == nil
	lenient := p.m.cfg.ReportOnly && until != forever
	if refused && (take || !lenient) {
		p.refused++
	}
	if refused = refused && !lenient; refused != (err != nil) {
		t.Fatalf("answered %v, refused should be %v", err, refused)
	}
	retryIn := until - p.m.now
	if until == forever {
		retryIn = 0
	}
	if !refused {
		return ml
	}
	// One that was made a moment ago is given again.
	if said := err.(*breaker.OpenError).RetryIn; said < retryIn || said > retryIn+time.Millisecond || until == forever && said != 0 {
		t.Fatalf("%v, should be retry in %v", err, retryIn)
	}
	return ml
}

func (p *pair) done(t *rapid.T) {
	if len(p.leases) == 0 {
		return
	}
	// Mostly a recent one: those of the current generation make things happen. Those never drawn hang.
	i := len(p.leases) - 1
	if rapid.IntRange(0, 2).Draw(t, "which") == 0 {
		i = rapid.IntRange(0, i).Draw(t, "lease")
	}
	l := p.leases[i]
	o := p.outcome(t)
	asked := time.Duration(rapid.SampledFrom([]int{0, 0, 0, 5, 11, 15, 30}).Draw(t, "asked")) * time.Millisecond
	end(l.l, o, asked)
	end(l.l, p.outcome(t), asked) // the first report counts
	p.leases = append(p.leases[:i:i], p.leases[i+1:]...)
	if l.m == nil {
		return
	}
	if slow := p.m.cfg.SlowCall; o == breaker.Success && slow > 0 && p.m.now-l.m.began >= slow {
		o, asked = breaker.Failure, 0
	}
	p.m.done(l.m, o, asked)
}

// Outcomes of a test's own: calls that do not return, but have deferred Done(Ignored).
const (
	panics breaker.Outcome = iota + 100
	exits
)

func end(l *breaker.Lease, o breaker.Outcome, asked time.Duration) {
	switch {
	case o == panics:
		defer func() { _ = recover() }()
		defer l.Done(breaker.Ignored)
		panic("in a call")
	case o == exits:
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer l.Done(breaker.Ignored)
			runtime.Goexit()
		}()
		<-done
	case asked == 0:
		l.Done(o)
	default:
		l.DoneWith(o, breaker.Cause{RetryAfter: asked})
	}
}

func (p *pair) outcome(t *rapid.T) breaker.Outcome {
	switch n := rapid.IntRange(0, 99).Draw(t, "outcome"); {
	case n < 44:
		return breaker.Success
	case n < 88:
		return breaker.Failure
	case n < 91:
		return breaker.Ignored
	case n < 93:
		return panics
	case n < 95:
		return exits
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
		next = p.m.probes[0].began + p.m.cfg.ProbeTimeout
	}
	if next < forever {
		next += time.Duration(edge)
	}
	if edge < 2 && next > p.m.now && next < forever {
		d = next - p.m.now
	}
	time.Sleep(d)
	p.m.now += d
}

// agree looks at everything that can be seen. It is no look that settles anything, so that late looks are tried, too.
func (p *pair) agree(t *rapid.T) {
	if len(p.changes) != len(p.moves) {
		t.Fatalf("%d changes, should be %d", len(p.changes), len(p.moves))
	}
	for i, c := range p.changes {
		if got := (move{c.From, c.To, c.At.Sub(p.start), c.Refused}); got != p.moves[i] {
			t.Fatalf("change %d is %v, should be %v", i, got, p.moves[i])
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
		p.compare(t, p.b.Check(), false)
	case n < 96:
		got := p.b.State()
		if p.m.settle(); got != p.m.state {
			t.Fatalf("%v, should be %v", got, p.m.state)
		}
	case n < 97:
		p.b.Isolate("")
		p.m.settle()
		p.m.move(breaker.Open, p.m.now) // and until is for ever
	case n < 98 || p.m.until == forever && p.m.state == breaker.Open:
		p.b.Reset()
		p.m.settle()
		p.m.move(breaker.Closed, p.m.now)
	}
}

// A model as long as the thing itself proves nothing.
func TestModelIsSmall(t *testing.T) {
	source, err := os.ReadFile("model_test.go")
	require.NoError(t, err)
	_, code, found := strings.Cut(string(source), "\ntype model struct")
	require.True(t, found)
	lines := 1
	for line := range strings.Lines(code) {
		if line = strings.Trim(line, "\t\n {})"); line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	require.LessOrEqual(t, lines, 60)
}
