package breaker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/internal/text"
)

// A Breaker keeps calls off a server that does not do its work. Make one with New; the zero Breaker is that of the zero
// Config. It is safe for concurrent use and must not be copied.
type Breaker struct {
	cfg   Config        // resolved; never changes once gen is set, and nor do the two below
	step  time.Duration // one bucket of the window
	epoch time.Time     // times are kept as durations since then: cheaper to read, and no clock step moves them

	gen atomic.Pointer[generation] // stored under mu only; nil: the zero Breaker, not used yet

	mu      sync.Mutex    // guards all changes of state, and what follows
	machine *machine      // in the state of gen, except while isolated
	spare   *machine      // half-open: one that was opened when this state began
	openFor time.Duration // the last open time before jitter
	refused uint64        // in all states that are over
	moved   uint64        // how often, from one state to another
	probes  []*probe      // half-open: those out, in the order they were granted, which is that of their expiry
	changes hook.Queue[StateChange]
}

// New returns a closed Breaker, or an error that lists everything that is wrong with cfg.
func New(cfg Config) (*Breaker, error) {
	cfg, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	return build(cfg), nil
}

// build makes a Breaker of a Config that is resolved.
func build(cfg Config) *Breaker {
	b := new(Breaker)
	b.begin(cfg)
	return b
}

// begin sets the Breaker up, closed. Nobody else may use it yet, or mu is held.
func (b *Breaker) begin(cfg Config) {
	b.cfg, b.step, b.epoch, b.machine = cfg, cfg.Window/buckets, time.Now(), newMachine(cfg.Probes)
	b.gen.Store(&generation{owner: b})
}

// current returns the generation of now. The zero Breaker begins with the first.
func (b *Breaker) current() *generation {
	if g := b.gen.Load(); g != nil {
		return g
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gen.Load() == nil {
		cfg, _ := Config{}.resolve()
		b.begin(cfg)
	}
	return b.gen.Load()
}

// Name returns Config.Name.
func (b *Breaker) Name() string {
	b.current()
	return b.cfg.Name
}

// Acquire returns a Lease for one call, whose Done is to be called with what became of it. The error is an *OpenError if
// the breaker is open, or half-open with all its probes out, unless it is ReportOnly. Acquire never waits. Closed, it takes no lock, and allocates
// nothing if the caller keeps the Lease to itself.
func (b *Breaker) Acquire() (*Lease, error) {
	l := new(Lease) // inlined into the caller, who may have room for it on its stack
	if err := b.acquire(l); err != nil {
		return nil, err
	}
	return l, nil
}

func (b *Breaker) acquire(l *Lease) (err error) {
	if g := b.gen.Load(); g != nil && g.state == Closed {
		l.gen = g
	} else if l.gen, l.probe, err = b.admit(true); err != nil {
		return err
	}
	if b.cfg.SlowCall > 0 {
		l.began = b.now()
	}
	return nil
}

// Check returns what Acquire would: nil, or an *OpenError. It takes no lease.
func (b *Breaker) Check() error {
	if b.current().state == Closed {
		return nil
	}
	_, _, err := b.admit(false)
	return err
}

// State returns the state the breaker is in now. An isolated breaker is Open.
func (b *Breaker) State() State {
	g := b.current()
	if g.state == Closed || g.open(b.now()) {
		return g.state
	}
	b.mu.Lock()
	s := b.settle(b.now()).state
	b.mu.Unlock()
	b.tell()
	return s
}

// RetryIn is for how long the breaker is open from now on. It is zero where it is not open, and where it is isolated: no
// time ends that. It counts as no refusal.
func (b *Breaker) RetryIn() time.Duration {
	g, now := b.current(), b.now()
	if g.open(now) && !g.isolated {
		return g.until - now
	}
	return 0
}

// Isolate opens the breaker until Reset, whatever calls report: for a person who knows better. What is not printable is
// stripped from the reason, and 256 bytes of it are kept. Isolating an isolated breaker replaces the reason.
func (b *Breaker) Isolate(reason string) {
	why := "isolated"
	if reason = text.Line(reason); reason != "" {
		why += ": " + reason
	}
	b.current()
	b.mu.Lock()
	now := b.now()
	b.settle(now)
	b.move(&generation{state: Open, isolated: true, reason: why}, now, now, why)
	b.mu.Unlock()
	b.tell()
}

// Reset closes the breaker and forgets all it has counted, whatever state it is in, isolated too. Leases granted before
// count no more.
func (b *Breaker) Reset() {
	b.current()
	b.mu.Lock()
	now := b.now()
	b.settle(now)
	b.machine = newMachine(b.cfg.Probes)
	b.move(&generation{state: Closed}, now, now, "reset")
	b.mu.Unlock()
	b.tell()
}

func (b *Breaker) now() time.Duration { return time.Since(b.epoch) }

// tell runs the hook for the changes made. No lock may be held.
func (b *Breaker) tell() {
	if b.cfg.OnStateChange != nil {
		b.changes.Drain("breaker.Config.OnStateChange", b.cfg.OnStateChange)
	}
}
