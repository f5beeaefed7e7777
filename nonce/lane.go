package nonce

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// MaxNonce is the highest nonce ever handed out. It is what a float64 holds exactly, less
// what the vendor keeps for itself.
const MaxNonce uint64 = 1<<53 - 3

// A Lane makes the callers of one API key take turns: in the order of their coming, each with a nonce above all before
// it. The nonce is max(clock, last+1), read when the turn begins. It is safe for concurrent use, and needs no closing.
//
// A caller who holds a ticket and enters the same lane again waits for itself, unless InFlight leaves room.
type Lane struct {
	key      string
	unit     time.Duration
	inFlight int
	now      func() time.Time // time.Now; tests have clocks that step back

	// load counts the turns, the waiters and those about to become either. The pool reads it without the mutex.
	load atomic.Int64

	mu      sync.Mutex // guards what follows
	last    uint64     // the highest nonce handed out; at first After
	busy    int        // turns that are not over. While anyone waits it is inFlight
	waiting queue
}

// NewLane returns a lane, or an error that lists everything wrong with c. Two lanes of one key take each other's nonces
// away; see the package documentation.
func NewLane(c LaneConfig) (*Lane, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	l := &Lane{key: c.Key, unit: c.Unit, inFlight: max(c.InFlight, 1), now: time.Now, last: c.After}
	l.waiting.init()
	return l, nil
}

// Key returns the name of the lane's API key.
func (l *Lane) Key() string { return l.key }

// Holds reports whether key is the lane's own.
func (l *Lane) Holds(key string) bool { return key == l.key }

// Last returns the highest nonce handed out so far, or LaneConfig.After if there was none yet. The next one is higher.
func (l *Lane) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Enter waits for a turn; see [Source]. A lane whose nonces are used up returns an *ExhaustedError.
func (l *Lane) Enter(ctx context.Context) (*Ticket, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx, l.key)
	}
	l.load.Add(1)
	return l.join(ctx)
}

// EnterKey is Enter if key is the lane's own. Otherwise it returns an error that wraps ErrUnknownKey.
func (l *Lane) EnterKey(ctx context.Context, key string) (*Ticket, error) {
	if key != l.key {
		return nil, unknownKey(key)
	}
	return l.Enter(ctx)
}

// EnterUnless is Enter, unless the key is locked: then it returns an error that wraps what locked returned. It asks
// before it waits, and once more when the turn has come: the key may have been locked meanwhile. locked may be called
// from many goroutines at once, and under no lock of the lane. If nil, nothing is locked.
func (l *Lane) EnterUnless(ctx context.Context, locked func(key string) error) (*Ticket, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx, l.key)
	}
	if err := check(locked, l.key); err != nil {
		return nil, &refusedError{[]error{err}}
	}
	t, err := l.Enter(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.recheck(locked); err != nil {
		return nil, &refusedError{[]error{err}}
	}
	return t, nil
}

// join takes a turn or waits for one. The caller has counted itself in load.
func (l *Lane) join(ctx context.Context) (*Ticket, error) {
	l.mu.Lock()
	if l.busy >= l.inFlight {
		w := l.waiting.push()
		l.mu.Unlock()
		return l.wait(ctx, w)
	}
	nonce := l.draw()
	if nonce != 0 {
		l.busy++
	}
	l.mu.Unlock()
	return l.ticket(nonce)
}

// wait is where thousands stand at once: its frame has to fit a goroutine's first 2 KiB, with the caller's below it.
func (l *Lane) wait(ctx context.Context, w *waiter) (*Ticket, error) {
	select {
	case <-w.ready:
		if ctx.Err() == nil {
			return l.ticket(w.nonce)
		}
	case <-ctx.Done():
	}
	l.giveUp(w)
	return nil, ended(ctx, l.key)
}

// giveUp takes w out of the queue or, if its turn came all the same, passes that on.
func (l *Lane) giveUp(w *waiter) {
	l.mu.Lock()
	queued := w.remove()
	l.mu.Unlock()
	if !queued && w.nonce != 0 {
		l.leave()
		return
	}
	l.load.Add(-1)
}

// ticket is for a caller whose turn it is, with the nonce drawn for it. 0: there was none, and it is not.
func (l *Lane) ticket(nonce uint64) (*Ticket, error) {
	if nonce == 0 {
		l.load.Add(-1)
		return nil, &ExhaustedError{Key: l.key, Last: l.Last()}
	}
	return &Ticket{key: l.key, nonce: nonce, turn: l}, nil
}

// leave ends a turn and hands it straight to the first waiter: nobody who comes later can slip in between.
func (l *Lane) leave() {
	l.mu.Lock()
	for {
		w := l.waiting.pop()
		if w == nil {
			l.busy--
			break
		}
		w.nonce = l.draw()
		close(w.ready)
		if w.nonce != 0 {
			break
		}
	}
	l.mu.Unlock()
	l.load.Add(-1)
}

// renew looks at left under the mutex: as long as it is not set there, no later turn has drawn its nonce.
func (l *Lane) renew(_ context.Context, first *Ticket) (uint64, error) {
	l.mu.Lock()
	if first.left.Load() {
		l.mu.Unlock()
		return 0, ErrLeft
	}
	nonce := l.draw()
	l.mu.Unlock()
	if nonce == 0 {
		return 0, &ExhaustedError{Key: l.key, Last: l.Last()}
	}
	return nonce, nil
}

// draw returns the next nonce, or 0 if it would be above MaxNonce. It is called with mu held. A clock that has gone too
// far leaves last as it was, so that the key is not lost once the clock is right again.
func (l *Lane) draw() uint64 {
	nonce := max(l.clock(), l.last+1)
	if nonce > MaxNonce {
		return 0
	}
	l.last = nonce
	return nonce
}

// clock returns the ticks since 1970, 0 before.
func (l *Lane) clock() uint64 {
	now := l.now()
	if l.unit == time.Millisecond {
		return uint64(max(now.UnixMilli(), 0))
	}
	return uint64(max(now.UnixMicro(), 0))
}
