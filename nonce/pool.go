package nonce

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
)

// A Pool spreads callers over several keys. Each caller goes to the least busy lane, and
// stays in its queue. A lane is as busy as the number of requests in flight and waiting,
// less the number that may be in flight at once; among equals lanes are chosen in
// rotation. A Pool is safe for concurrent use. Its lanes may be entered directly as well,
// and may belong to several pools. Choosing one of 10,000 lanes takes hardly longer than
// one of ten.
type Pool struct {
	lanes []*Lane
	keys  map[string]*Lane
	tree  *tree         // of the lanes
	calls atomic.Uint64 // where the search for the least busy lane begins
}

// NewPool returns a pool of lanes. The error lists everything that is wrong: no lanes,
// nil lanes, lanes with the same key.
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
			errs = append(errs, fmt.Errorf("nonce: lane %d of the pool: duplicate key %q", i, l.key))
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

// Holds reports whether the pool has a lane for key.
func (p *Pool) Holds(key string) bool { return p.keys[key] != nil }

// Owns reports whether t belongs to a turn on one of the lanes, no matter through which
// source it was entered.
func (p *Pool) Owns(t *Ticket) bool {
	l := p.keys[t.key]
	return l != nil && l.Owns(t)
}

// Enter waits for a turn on the least busy lane; see [Source]. It skips keys without a
// nonce left. If no key has one, the error wraps an *ExhaustedError for up to eight of
// them.
func (p *Pool) Enter(ctx context.Context) (*Ticket, error) { return p.EnterUnless(ctx, nil) }

// EnterKey waits for a turn on that key. If the pool has no lane for it, the error wraps
// ErrUnknownKey.
func (p *Pool) EnterKey(ctx context.Context, key string) (*Ticket, error) {
	l := p.keys[key]
	if l == nil {
		return nil, unknownKey(key)
	}
	return l.Enter(ctx)
}

// EnterUnless is Enter on a key that is not locked. It calls locked before the wait and
// again when the turn has come; if the key was locked meanwhile, the caller goes on to
// another one. If no key is left, it returns at once with an error for up to eight keys
// and the number of the others. Causes that pass by themselves come first: *[WaitError],
// then what locked returned, then high-water files that cannot be written, keys without a
// nonce left, and closed lanes. Each of these kinds is in the error if it applies to any
// lane. locked may be called from many goroutines at once; no lock of the pool or its
// lanes is held. A nil locked means that nothing is locked.
func (p *Pool) EnterUnless(ctx context.Context, locked func(key string) error) (*Ticket, error) {
	switch {
	case len(p.lanes) == 0:
		return nil, errZeroPool
	case ctx == nil:
		return nil, errNoContext
	}
	start := int(p.calls.Add(1) % uint64(len(p.lanes)))
	var v *view // nil: the whole tree. Waiters stay in this frame; see Lane.wait
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
			return nil, e // it names the key, and the disk if that is the cause
		}
		if err != nil { // skip the lane for the rest of this call, so that the loop ends
			v = v.without(lane, err)
		}
	}
}

// enterAt enters a lane whose key is not locked, provided that its load is still what it
// was when the lane was chosen: of two callers that saw the same load, one has to choose
// again. That one gets neither a ticket nor an error.
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
