package oracle_test

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A process has two Retriers, which share all but the IDs they are at. When it
// dies, nothing of it acts any more, but for what is on the wire.
type process struct {
	w        *world
	n        int
	key      string // "k1", unless it came up with another configuration
	ctx      context.Context
	stop     context.CancelFunc
	dead     chan struct{}
	gone     bool
	skew     time.Duration // of its clock
	at       int           // calls at work
	lockout  *breaker.Lockout
	breaker  *breaker.Breaker
	retriers [2]*retry.Retrier
	memories [2]memory
	// elsewhere is the Retrier of another API, by which the bank can be asked as well.
	elsewhere *retry.Retrier

	nonce   uint64                     // that it begins above, and the last that its operations drew themselves
	highest map[string]uint64          // by key: the highest nonce of this process
	used    map[string]map[uint64]bool // by key
}

// start starts a process in a slot.
func (w *world) boot(c *callPlan) *process {
	w.started++
	p := &process{w: w, n: w.started, key: "k1", skew: c.skew, dead: make(chan struct{}), lockout: new(breaker.Lockout), highest: map[string]uint64{}, used: map[string]map[uint64]bool{}}
	if c.ahead > 0 {
		p.nonce = uint64(time.Now().Add(c.ahead).UnixMicro())
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	if c.otherKey && !w.unnamed {
		p.key = "k9"
	}
	if w.trip > 0 {
		p.breaker = must(breaker.New(breaker.Config{
			ConsecutiveFailures: w.trip,
			// The shortest there is: how long it is open has a jitter that cannot be repeated.
			OpenFor: time.Millisecond, MaxOpenFor: time.Millisecond,
		}))
	}
	budget := retry.NoBudget()
	switch {
	case w.budget == 0:
		budget = nil
	case w.budget > 0:
		budget = must(retry.NewBudget(retry.BudgetConfig{Capacity: w.budget}))
	}
	cfg := retry.Config{
		Policies: policies[w.timeout], Breaker: p.breaker, Lockout: p.lockout,
		Nonces: p.source(), Budget: budget, OnEvent: w.event,
	}
	if w.source == ownNonces {
		cfg.Key = p.keyName()
	}
	if w.journal {
		cfg.Journal = &journal{w}
	}
	for i := range p.retriers {
		p.memories[i] = memory{}
		p.retriers[i] = must(retry.New(cfg))
	}
	p.elsewhere = must(retry.New(retry.Config{
		Policies: policies[w.timeout], Budget: retry.NoBudget(),
		Nonces: must(nonce.NewLane(nonce.LaneConfig{Key: "k7"})),
	}))
	w.tracef("process %d starts, on %s", p.n, p.key)
	w.store.restart()
	return p
}

func (p *process) source() nonce.Source {
	lane := func(key string) *nonce.Lane {
		return must(nonce.NewLane(nonce.LaneConfig{Key: key, InFlight: p.w.inFlight, MaxAhead: p.w.maxAhead, After: p.nonce}))
	}
	switch p.w.source {
	case oneLane:
		return lane(p.key)
	case twoLanes:
		return must(nonce.NewPool(lane(p.key), lane("k2")))
	case anyKey:
		return struct{ nonce.Source }{must(nonce.NewPool(lane(p.key), lane("k2")))}
	}
	return nil
}

// keyName is what the process calls its key.
func (p *process) keyName() string {
	if p.w.source == ownNonces && p.w.unnamed {
		return ""
	}
	return p.key
}

// draw is how an operation draws a nonce that has no lane for it.
func (p *process) draw() uint64 {
	p.nonce = max(uint64(time.Now().UnixMicro()), p.nonce+1)
	return p.nonce
}

// kill ends the process where it stands.
func (p *process) kill() {
	if !p.gone {
		p.w.tracef("process %d dies", p.n)
		p.gone = true
		close(p.dead)
		p.stop()
	}
}

// policies are the usual ones, by attempt timeout, with waits that can be repeated.
var policies = func() map[time.Duration]*policy.Set {
	sets := map[time.Duration]*policy.Set{}
	for _, timeout := range timeouts {
		over := policy.Table{AttemptTimeout: timeout, Default: policy.Policy{Backoff: policy.Backoff{Jitter: policy.JitterNone}}}
		if timeout == 0 {
			over.AttemptTimeout = policy.None
		}
		sets[timeout] = must(policy.Nexpay().With(over))
	}
	return sets
}()

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
