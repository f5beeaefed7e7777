package nonce

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/internal/wallclock"
)

// MaxNonce is the highest nonce ever handed out: the largest integer that a float64 holds
// exactly, less what the vendor reserves.
const MaxNonce uint64 = 1<<53 - 3

// A Lane makes the callers of one API key take turns, in the order of their arrival. Each
// turn gets a nonce above all earlier ones: max(clock, last+1), read when the turn
// begins. Make one with NewLane. A Lane is safe for concurrent use, and needs no closing
// unless it has a high-water file.
//
// A caller that holds a ticket and enters the same lane again waits for itself, unless
// InFlight leaves room. Even then it waits for itself if its turn was refused twice,
// because no other turn begins meanwhile. Use Ticket.Next instead: it never does.
type Lane struct {
	farAhead atomic.Bool // the high-water file is, and that is not reported yet
	key      string
	unit     time.Duration
	maxAhead uint64           // in ticks
	now      func() time.Time // nil: time.Now; tests use clocks that step back
	onEvent  func(Event)
	marks    *ceiling // nil: none

	// load counts the turns, the waiters and those about to become either. The pools read
	// it without the mutex.
	load   atomic.Int64
	room   atomic.Int64          // limit.turns, read together with load
	places atomic.Pointer[place] // in the trees of the pools

	mu      sync.Mutex // guards what follows
	closed  bool
	last    uint64        // the highest nonce handed out; at first After
	drawn   time.Duration // on epoch: when last was drawn
	jumps   int           // made since the clock was last ahead of last
	busy    int           // turns under way
	alone   *Ticket       // of the turn that must not be overtaken; nil: none
	limit   limit         // of busy
	counts  counts
	lengths lengths // of turns
	resyncs queue   // served before new turns
	waiting queue
	timer   *time.Timer   // serves the queues when the pause between two draws is over; nil: not used yet
	rings   time.Duration // on epoch: when timer fires; 0: it is not set
}

// NewLane returns a lane. The error lists everything that is wrong with c. Two lanes of
// one key make the API refuse each other's nonces; see the package documentation.
func NewLane(c LaneConfig) (*Lane, error) { return newLane(c, files) }

func newLane(c LaneConfig, d disk) (*Lane, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	l := &Lane{key: c.Key, unit: c.unit(), onEvent: c.OnEvent, limit: c.limit(), last: c.After, now: wallclock.Wrong}
	l.maxAhead = l.ticks(c.maxAhead())
	l.room.Store(int64(l.limit.turns()))
	l.resyncs.init()
	l.waiting.init()
	if err := l.openMarks(d, c.HighWater); err != nil {
		return nil, err
	}
	l.farAhead.Store(l.marks != nil && l.aheadNow() > c.maxAhead())
	if c.Reserve != nil {
		l.marks = l.reserved(c.Reserve)
	}
	return l, nil
}

// Key returns the name of the lane's API key.
func (l *Lane) Key() string { return l.key }

// Holds reports whether key is the lane's key.
func (l *Lane) Holds(key string) bool { return key == l.key }

// Owns reports whether t belongs to a turn on this lane, no matter through which source
// it was entered.
func (l *Lane) Owns(t *Ticket) bool { return t.origin().turn == turn(l) }

// Last returns the highest nonce handed out so far, or LaneConfig.After if there was none
// yet. The next one is higher.
func (l *Lane) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Enter waits for a turn; see [Source]. It returns an *ExhaustedError if the lane has no
// nonce left.
func (l *Lane) Enter(ctx context.Context) (*Ticket, error) {
	if err := l.refuses(ctx); err != nil {
		return nil, err
	}
	l.shift(1)
	return l.join(ctx)
}

// refuses returns an error if the caller cannot join: ctx is nil or has ended, or the
// lane is the zero Lane.
func (l *Lane) refuses(ctx context.Context) error {
	switch {
	case l.unit == 0:
		return errZeroLane
	case ctx == nil:
		return errNoContext
	case ctx.Err() != nil:
		return ended(ctx, l.key)
	}
	return nil
}

const (
	errZeroLane  = mistake("nonce: the Lane is the zero Lane; make one with NewLane")
	errZeroPool  = mistake("nonce: the Pool is the zero Pool; make one with NewPool")
	errNoContext = mistake("nonce: the context is nil; use context.Background() for one that never ends")
)

// EnterKey is Enter if key is the lane's key. Otherwise it returns an error that wraps
// ErrUnknownKey.
func (l *Lane) EnterKey(ctx context.Context, key string) (*Ticket, error) {
	if key != l.key {
		return nil, unknownKey(key)
	}
	return l.Enter(ctx)
}

// EnterUnless is Enter unless the key is locked. It calls locked before the wait and
// again when the turn has come. If locked returns an error, EnterUnless returns one that
// wraps it. locked may be called from many goroutines at once; no lock of the lane is
// held. A nil locked means that nothing is locked.
func (l *Lane) EnterUnless(ctx context.Context, locked func(key string) error) (*Ticket, error) {
	if err := l.refuses(ctx); err != nil {
		return nil, err
	}
	if err := check(locked, l.key); err != nil {
		return nil, refusedBy([]refusal{{0, err}})
	}
	t, err := l.Enter(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.recheck(locked); err != nil {
		return nil, refusedBy([]refusal{{0, err}})
	}
	return t, nil
}

// join takes a turn or waits for one. The caller has counted itself in load.
func (l *Lane) join(ctx context.Context) (*Ticket, error) {
	if l.farAhead.Load() && l.farAhead.Swap(false) {
		l.reportAhead()
	}
	l.mu.Lock()
	if l.waiting.len > 0 || l.resyncs.len > 0 || l.pause() != 0 {
		return l.queue(ctx)
	}
	before := l.drawn
	nonce := l.draw()
	began := l.drawn
	if l.busy == 0 {
		l.lengths.idle(began - before)
	}
	if nonce != 0 {
		l.busy++
	}
	l.mu.Unlock()
	return l.ticket(ctx, nonce, began)
}

// queue is join where the turn cannot begin at once. It is called with mu held, and
// releases it.
func (l *Lane) queue(ctx context.Context) (*Ticket, error) {
	if err := l.tooLate(ctx); err != nil {
		l.mu.Unlock()
		l.shift(-1)
		return nil, err
	}
	w := l.waiting.push(nil)
	l.serve()
	l.mu.Unlock()
	return l.wait(ctx, w)
}

// wait blocks until the turn comes. Thousands may be in it at once, so its frame has to
// fit a goroutine's first 2 KiB, below the frames of its caller.
func (l *Lane) wait(ctx context.Context, w *waiter) (*Ticket, error) {
	select {
	case <-w.ready:
		if ctx.Err() == nil {
			return l.ticket(ctx, w.nonce, w.began)
		}
	case <-ctx.Done():
	}
	l.giveUp(w)
	return nil, l.gaveUp(ctx)
}

// giveUp takes w out of the queue. If its turn has come meanwhile, the turn passes on.
func (l *Lane) giveUp(w *waiter) {
	l.mu.Lock()
	if !l.waiting.remove(w) && w.nonce != 0 {
		l.busy--
		l.serve()
	}
	l.mu.Unlock()
	l.shift(-1)
}

// ticket returns the ticket for a turn that has begun with this nonce. If nonce is 0,
// none was left, and there is no turn.
func (l *Lane) ticket(ctx context.Context, nonce uint64, began time.Duration) (*Ticket, error) {
	if nonce == 0 {
		l.shift(-1)
		return nil, l.noNonce()
	}
	if l.marks != nil && !l.marks.covers(nonce, began) {
		if err := l.keep(ctx, nonce); err != nil {
			l.pass()
			return nil, err
		}
	}
	return &Ticket{key: l.key, nonce: nonce, turn: l, began: began, newest: nonce}, nil
}

// pass ends a turn for which no ticket was returned.
func (l *Lane) pass() {
	l.mu.Lock()
	l.busy--
	l.serve()
	l.mu.Unlock()
	l.shift(-1)
}

// leave ends a turn and passes it straight to the first waiter: no later caller can slip
// in between.
func (l *Lane) leave(first *Ticket) {
	l.mu.Lock()
	l.busy--
	l.counts.turns++
	if l.alone == first {
		l.alone = nil
	}
	l.measure(first)
	if l.waiting.len > 0 || l.resyncs.len > 0 {
		l.serve()
	}
	l.mu.Unlock()
	l.shift(-1)
}
