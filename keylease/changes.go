package keylease

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// changes are the results of one round. Its methods are called with mu held.
type changes struct {
	*Leases
	ours   map[string]Record // as the store has them
	until  time.Time         // they are valid at least: the store's clock began later
	over   []*lease          // to end
	events []Event
	any    bool // change of held
}

// returned removes the leases that were returned.
func (c *changes) returned(asked []Record) {
	for _, r := range asked {
		h := c.leaving[r.Key]
		if h == nil || c.same(h) { // the next round returns it again
			continue
		}
		delete(c.leaving, r.Key)
		c.event(Returned, h)
	}
}

// same reports whether the store still has the lease.
func (c *changes) same(h *lease) bool {
	r, ours := c.ours[h.Key]
	return ours && r.Epoch == h.Epoch
}

// lost removes the leases that other processes have taken, and passes the grants on to
// the others.
func (c *changes) lost() {
	for _, leases := range []map[string]*lease{c.held, c.leaving} {
		for _, key := range slices.Sorted(maps.Keys(leases)) {
			h := leases[key]
			if c.same(h) {
				h.granted(c.ours[key], c.until, nil)
				continue
			}
			delete(leases, key)
			c.end(h)
			c.event(Lost, h)
		}
	}
}

// taken adds new leases.
func (c *changes) taken() {
	for _, key := range slices.Sorted(maps.Keys(c.ours)) {
		if c.held[key] != nil || c.leaving[key] != nil {
			continue
		}
		h, err := newLease(c.Leases, c.ours[key], c.until)
		if err != nil { // no nonce left: the key is unusable
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

// strays are the records of keys that no lease was made for.
func (c *changes) strays() (all []Record) {
	for _, key := range slices.Sorted(maps.Keys(c.ours)) {
		if c.held[key] == nil && c.leaving[key] == nil {
			all = append(all, c.ours[key])
		}
	}
	return all
}

// surplus begins to return the keys above this process's share, the last taken first.
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
