package keylease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/nonce"
)

// Leases are the keys that this process holds, and a nonce.Source over them. While it
// holds none, Enter waits. Make it with New. It is safe for concurrent use, and must be
// closed.
type Leases struct {
	cfg  Config
	unit time.Duration
	pool atomic.Pointer[nonce.Pool] // the lanes of held; nil: none

	mu      sync.Mutex // guards what follows
	held    map[string]*lease
	leaving map[string]*lease // to be returned once idle
	stray   []Record          // closed: taken by a round that Close broke off; to be returned
	changed chan struct{}     // closed and replaced when pool changes
	alive   int               // processes, at the last round
	heard   time.Time         // when the last successful round began
	gone    bool              // no round has succeeded since
	closed  bool

	now    chan struct{} // requests a round at once
	stop   context.CancelFunc
	ctx    context.Context // of OnTake
	events hook.Queue[Event]
	rounds sync.WaitGroup
	takes  sync.WaitGroup
}

// New returns the leases of this process and begins to take keys in the background. It
// does not wait for a key. The error lists everything that is wrong with cfg.
func New(cfg Config) (*Leases, error) {
	cfg, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	l := &Leases{
		cfg: cfg, unit: cfg.Lane.Unit,
		held: make(map[string]*lease), leaving: make(map[string]*lease),
		changed: make(chan struct{}), heard: time.Now(), now: make(chan struct{}, 1),
	}
	if l.unit == 0 {
		l.unit = time.Microsecond
	}
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.rounds.Go(l.run)
	return l, nil
}

// Enter waits for a turn on one of the keys that this process holds, and for a key while
// it holds none. See nonce.Source. It returns an error that wraps ErrClosed after Close.
func (l *Leases) Enter(ctx context.Context) (*nonce.Ticket, error) { return l.EnterUnless(ctx, nil) }

// EnterUnless is Enter on a key that is not locked; see nonce.Source.
func (l *Leases) EnterUnless(ctx context.Context, locked func(key string) error) (*nonce.Ticket, error) {
	for {
		pool := l.pool.Load()
		if pool != nil {
			ticket, err := pool.EnterUnless(ctx, locked)
			if err == nil || !errors.Is(err, nonce.ErrClosed) || ctx.Err() != nil {
				return ticket, err
			}
		}
		if err := l.wait(ctx, pool); err != nil {
			return nil, err
		}
	}
}

// wait waits until the current pool is not the given one.
func (l *Leases) wait(ctx context.Context, pool *nonce.Pool) error {
	l.mu.Lock()
	changed, closed, same := l.changed, l.closed, l.pool.Load() == pool
	l.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ended(ctx, l.obstacle())
	case closed:
		return ErrClosed
	case !same:
		return nil
	}
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ended(ctx, l.obstacle())
	}
}

// Obstacle says why a call of Enter would wait now, or fail: this process holds no key, or
// could not renew those that it holds. It is empty if there is nothing in the way.
func (l *Leases) Obstacle() string {
	l.mu.Lock()
	held, closed, silence := len(l.held), l.closed, l.silenceLocked()
	l.mu.Unlock()
	switch {
	case closed:
		return "it is closed"
	case held == 0:
		return l.obstacle()
	case silence >= l.cfg.TTL:
		return fmt.Sprintf("the leases are over: the store has not answered for %v", silence)
	}
	return ""
}

// obstacle says why there is no key.
func (l *Leases) obstacle() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone || l.alive == 0 {
		return fmt.Sprintf("the store has not answered for %v", l.silenceLocked())
	}
	return fmt.Sprintf("no key is free: %d processes share %d", l.alive, len(l.cfg.Keys))
}

// EnterKey waits for a turn on that key. If this process does not hold the key, it
// returns an error that wraps nonce.ErrUnknownKey.
func (l *Leases) EnterKey(ctx context.Context, key string) (*nonce.Ticket, error) {
	for {
		pool := l.pool.Load()
		if pool == nil || !pool.Holds(key) {
			return nil, &leaseError{key, "this process does not hold the key", nonce.ErrUnknownKey}
		}
		ticket, err := pool.EnterKey(ctx, key)
		if err == nil || !errors.Is(err, nonce.ErrClosed) || l.pool.Load() == pool {
			return ticket, err
		}
	}
}

// Holds reports whether this process holds the key.
func (l *Leases) Holds(key string) bool {
	pool := l.pool.Load()
	return pool != nil && pool.Holds(key)
}

// Owns reports whether the ticket belongs to a turn on one of the keys that this process
// holds.
func (l *Leases) Owns(ticket *nonce.Ticket) bool {
	pool := l.pool.Load()
	return pool != nil && pool.Owns(ticket)
}

// Keys returns the keys that this process holds, sorted.
func (l *Leases) Keys() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.held))
}

// Stats describes the leases of a process. Fields may be added.
type Stats struct {
	Owner string        // Config.Owner, or the random name
	Alive int           // living processes at the last successful round
	Heard time.Duration // time since that round began
	Keys  []KeyStats    // keys held, sorted
}

// KeyStats describes the lease of one key.
type KeyStats struct {
	Record               // last known from the store
	Held   time.Duration // how long this process has held the key
	Lane   nonce.Stats
}

// Stats returns the current state of the leases.
func (l *Leases) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{Owner: l.cfg.Owner, Alive: l.alive, Heard: l.silenceLocked()}
	for _, key := range slices.Sorted(maps.Keys(l.held)) {
		h := l.held[key]
		h.mu.Lock()
		s.Keys = append(s.Keys, KeyStats{Record: h.Record, Held: time.Since(h.taken), Lane: h.lane.Stats()})
		h.mu.Unlock()
	}
	return s
}

// Lanes returns the stats of the lanes of the held keys, sorted by key, as
// nonce.Pool.Stats does.
func (l *Leases) Lanes() []nonce.Stats {
	held := l.Stats().Keys
	lanes := make([]nonce.Stats, len(held))
	for i, k := range held {
		lanes[i] = k.Lane
	}
	return lanes
}

// silence is how long ago the last successful round began.
func (l *Leases) silence() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.silenceLocked()
}

func (l *Leases) silenceLocked() time.Duration {
	return time.Since(l.heard).Round(time.Millisecond)
}

// refresh makes a new pool of the keys held. It is called with mu held.
func (l *Leases) refresh() {
	var lanes []*nonce.Lane
	for _, key := range slices.Sorted(maps.Keys(l.held)) {
		lanes = append(lanes, l.held[key].lane)
	}
	var pool *nonce.Pool
	if len(lanes) > 0 {
		pool, _ = nonce.NewPool(lanes...) // the keys differ, and no lane is nil
	}
	l.pool.Store(pool)
	close(l.changed)
	l.changed = make(chan struct{})
}
