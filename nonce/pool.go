package nonce

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
)

// A Pool spreads callers over several keys: each goes to the lane with the fewest requests in flight and waiting, less
// those that may be in flight at once, and among equals to each in rotation. There it stays in the queue. It is safe for concurrent use; the lanes may be
// entered directly as well, and be in several pools. To choose one of 10,000 lanes takes hardly longer than one of ten.
type Pool struct {
	lanes []*Lane
	keys  map[string]*Lane
	tree  *tree         // of the lanes
	calls atomic.Uint64 // where the search for the least busy lane begins
}

// NewPool returns a pool of lanes, or an error that lists everything wrong: no lane at all, nil lanes, two of one key.
func NewPool(lanes ...*Lane) (*Pool, error) {
	p := &Pool{keys: make(map[string]*Lane, len(lanes))}
	var errs []error
	if len(lanes) == 0 {
		errs = append(errs, errors.New("nonce: a pool needs at least one lane"))
	}
	for i, l := range lanes {
		switch {
		case l == nil:
			errs = append(errs, fmt.Errorf("nonce: lane %d of the pool is nil", i))
		case p.keys[l.key] != nil:
			errs = append(errs, fmt.Errorf("nonce: lane %d of the pool: key %q is there already", i, l.key))
		default:
			p.keys[l.key] = l
			p.lanes = append(p.lanes, l)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.tree = newTree(p.lanes)
	runtime.AddCleanup(p, (*tree).drop, p.tree)
	return p, nil
}

// Holds reports whether one of the lanes is key's.
func (p *Pool) Holds(key string) bool { return p.keys[key] != nil }

// Owns reports whether t is of a turn on one of the lanes, no matter through which source it was entered.
func (p *Pool) Owns(t *Ticket) bool {
	l := p.keys[t.key]
	return l != nil && l.Owns(t)
}

// Enter waits for a turn on the least busy lane; see [Source]. Only when the nonces of every key are used up does it
// return an error that wraps an *ExhaustedError, for up to eight of them.
func (p *Pool) Enter(ctx context.Context) (*Ticket, error) { return p.EnterUnless(ctx, nil) }

// EnterKey waits for a turn on that key. If no lane is the key's, it returns an error that wraps ErrUnknownKey.
func (p *Pool) EnterKey(ctx context.Context, key string) (*Ticket, error) {
	l := p.keys[key]
	if l == nil {
		return nil, unknownKey(key)
	}
	return l.Enter(ctx)
}

// EnterUnless is Enter on a key that is not locked. It asks locked before it waits, and once more when the turn has
// come: a caller whose key was locked meanwhile goes on to another one. If none is left, it returns at once with an error
// that wraps what locked returned, for up to eight of the keys, and says how many more there are. What passes by itself
// comes first, a *[WaitError] before all, then locked keys, files that cannot be written, used up keys and closed lanes;
// each of these is there if it stopped any lane. locked may be called from many goroutines at once, and under no lock of the
// pool or its lanes. If nil, nothing is locked.
func (p *Pool) EnterUnless(ctx context.Context, locked func(key string) error) (*Ticket, error) {
	switch {
	case len(p.lanes) == 0:
		return nil, errZeroPool
	case ctx == nil:
		return nil, errNoContext
	}
	start := int(p.calls.Add(1) % uint64(len(p.lanes)))
	var v *view // nil: all of the tree. The frame is that of a waiter; see Lane.wait
	for {
		if ctx.Err() != nil {
			return nil, ended(ctx, "")
		}
		lane, load := p.tree.leastBusy(start, v)
		if lane < 0 {
			return nil, refusedBy(v.refused)
		}
		t, err := p.lanes[lane].enterAt(ctx, load, locked)
		if t != nil {
			return t, nil
		}
		if e, ok := err.(*endedError); ok {
			return nil, e // it names the key, and the disk if that is to blame
		}
		if err != nil { // the lane is of no use for the rest of this call, so that it comes to an end
			v = v.without(lane, err)
		}
	}
}

// enterAt enters a lane whose key is not locked, provided its load is still what it was when it was chosen: of two callers
// who both saw it free, one has to choose again. That one gets neither a ticket nor an error.
func (l *Lane) enterAt(ctx context.Context, load int64, locked func(key string) error) (*Ticket, error) {
	if err := check(locked, l.key); err != nil {
		return nil, err
	}
	if ctx.Err() != nil || !l.load.CompareAndSwap(load, load+1) {
		return nil, nil
	}
	l.announce()
	t, err := l.join(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.recheck(locked); err != nil {
		return nil, err
	}
	return t, nil
}
