package breaker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/internal/text"
)

// A Breaker refuses calls to a server that fails. Make one with New; the zero Breaker
// uses the zero Config. It is safe for concurrent use and must not be copied.
type Breaker struct {
	cfg   Config        // resolved; neither it nor the next two change once gen is set
	step  time.Duration // one bucket of the window
	epoch time.Time     // times are durations since then: cheaper, and safe from clock steps

	gen atomic.Pointer[generation] // stored under mu only; nil: a zero Breaker not used yet

	mu      sync.Mutex    // guards all changes of state, and what follows
	machine *machine      // in the state of gen, except while isolated
	spare   *machine      // half-open: opened when this state began
	openFor time.Duration // the last open time before jitter
	refused uint64        // in all earlier states
	moved   uint64        // changes of state
	probes  []*probe      // half-open: unreported, in the order of grant and expiry
	changes hook.Queue[StateChange]
}

// New returns a closed Breaker. The error lists everything that is wrong with cfg.
func New(cfg Config) (*Breaker, error) {
	cfg, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	return build(cfg), nil
}

// build makes a Breaker from a resolved Config.
func build(cfg Config) *Breaker {
	b := new(Breaker)
	b.begin(cfg)
	return b
}

// begin sets up a closed Breaker. Either nobody else uses it yet, or mu is held.
func (b *Breaker) begin(cfg Config) {
	b.cfg, b.step, b.epoch, b.machine = cfg, cfg.Window/buckets, time.Now(), newMachine(cfg.Probes)
	b.gen.Store(&generation{owner: b})
}

// current returns the current generation. It sets up a zero Breaker first.
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

// Acquire returns a Lease for one call; report its outcome with Done. The error is an
// *OpenError if the breaker is open, or half-open with all its probes taken, unless
// Config.ReportOnly is set. Acquire never waits. While closed it takes no lock, and
// allocates nothing if the caller keeps the Lease to itself.
func (b *Breaker) Acquire() (*Lease, error) {
	l := new(Lease) // inlined: it may stay on the caller's stack
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

// Check returns what Acquire would return as its error: nil or an *OpenError. It takes no
// lease.
func (b *Breaker) Check() error {
	if b.current().state == Closed {
		return nil
	}
	_, _, err := b.admit(false)
	return err
}

// State returns the current state. An isolated breaker is Open.
func (b *Breaker) State() State {
	g := b.current()
	if g.state == Closed || g.open(b.now()) {
		return g.state
	}
	b.mu.Lock()
	s := b.settle(b.now()).state
	b.mu.Unlock()
	b.notify()
	return s
}

// RetryIn returns how much longer the breaker stays open. It is zero if the breaker is
// not open, and if it is isolated, because only Reset ends that. It does not count as a
// refusal.
func (b *Breaker) RetryIn() time.Duration {
	g := b.current()
	if g.state != Open || g.isolated {
		return 0 // the clock need not be read
	}
	return max(g.until-b.now(), 0)
}

// Isolate opens the breaker until Reset, whatever calls report. It is for operators.
// Unprintable characters are stripped from the reason, and 256 bytes of it are kept.
// Isolating an isolated breaker replaces the reason.
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
	b.notify()
}

// Reset closes the breaker from any state, isolated included, and clears its counts.
// Leases granted before no longer count.
func (b *Breaker) Reset() {
	b.current()
	b.mu.Lock()
	now := b.now()
	b.settle(now)
	b.machine = newMachine(b.cfg.Probes)
	b.move(&generation{state: Closed}, now, now, "reset")
	b.mu.Unlock()
	b.notify()
}

func (b *Breaker) now() time.Duration { return time.Since(b.epoch) }

// notify runs the hook for pending changes. No lock may be held.
func (b *Breaker) notify() {
	if b.cfg.OnStateChange != nil {
		b.changes.Drain("breaker.Config.OnStateChange", b.cfg.OnStateChange)
	}
}
