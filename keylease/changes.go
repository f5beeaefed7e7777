package keylease

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// changes are what one round comes to. Its methods are called with mu held.
type changes struct {
	*Leases
	ours   map[string]Record // as the store has them
	until  time.Time         // they are good at least: the store's clock began later
	over   []*lease          // to be ended
	events []Event
	any    bool // of held
}

// returned takes in which of the leases that were to be returned are.
func (c *changes) returned(asked []Record) {
	for _, r := range asked {
		h := c.leaving[r.Key]
		if h == nil || c.same(h) { // else the store will be asked once more
			continue
		}
		delete(c.leaving, r.Key)
		c.event(Returned, h)
	}
}

// same reports whether the store has the lease as it was.
func (c *changes) same(h *lease) bool {
	r, ours := c.ours[h.Key]
	return ours && r.Epoch == h.Epoch
}

// lost takes in what another process has by now, and tells the others what was granted.
func (c *changes) lost() {
	for _, leases := range []map[string]*lease{c.held, c.leaving} {
		for _, key := range slices.Sorted(maps.Keys(leases)) {
			h := leases[key]
			if c.same(h) {
				h.hear(c.ours[key], c.until, nil)
				continue
			}
			delete(leases, key)
			c.end(h)
			c.event(Lost, h)
		}
	}
}

// taken takes in what is new.
func (c *changes) taken() {
	for _, key := range slices.Sorted(maps.Keys(c.ours)) {
		if c.held[key] != nil || c.leaving[key] != nil {
			continue
		}
		h, err := newLease(c.Leases, c.ours[key], c.until)
		if err != nil { // its nonces are used up: nobody can do anything with it
			continue
		}
		ctx, cancel := context.WithCancel(c.ctx)
		h.cancel = cancel
		c.held[key], c.any = h, true
		c.event(Taken, h)
		if c.cfg.OnTake != nil {
			c.takes.Go(func() { c.cfg.OnTake(ctx, key) })
		}
	}
}

// surplus begins to give back what is more than this process's share: what it took last.
func (c *changes) surplus(share int) {
	more := len(c.held) - max(share, 1)
	if more <= 0 {
		return
	}
	all := slices.SortedFunc(maps.Values(c.held), func(a, b *lease) int {
		return cmp.Or(b.taken.Compare(a.taken), cmp.Compare(b.Key, a.Key))
	})
	for _, h := range all[:more] {
		delete(c.held, h.Key)
		c.leaving[h.Key] = h
		c.end(h)
	}
}

func (c *changes) end(h *lease) {
	c.over, c.any = append(c.over, h), true
}

func (c *changes) event(kind EventKind, h *lease) {
	e := Event{Kind: kind, Key: h.Key, Epoch: h.Epoch}
	if kind != Taken {
		e.For = time.Since(h.taken)
	}
	c.events = append(c.events, e)
}
