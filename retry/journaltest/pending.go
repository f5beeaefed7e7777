package journaltest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/nexpay-go/resilience/retry"
)

var pendingRules = []rule{
	{"Pending lists the open entries, and no others", pendingLists},
	{"a loop over Pending can be left early", pendingLeft},
	{"Begin and End while ranging over Pending", pendingWhileWriting},
	{"Pending lists no entry twice and no ended entry", pendingWhenItsTurnComes},
	{"an ended context ends Pending", pendingContext},
}

// pending returns the entries that Pending lists, by ID; none if the journal has no
// Pending.
func (c *check) pending(j retry.Journal) map[string]retry.Entry {
	open := map[string]retry.Entry{}
	lister, ok := j.(retry.PendingJournal)
	if !ok {
		return open
	}
	for e, err := range lister.Pending(c) {
		if err != nil {
			c.fatal("Pending: %w", err)
		}
		if _, twice := open[e.ID]; twice {
			c.report("Pending lists %q twice", e.ID)
		}
		open[e.ID] = e
	}
	return open
}

// lister returns the store's journal if it has Pending.
func (c *check) lister() (retry.PendingJournal, bool) {
	j, ok := c.store.Journal.(retry.PendingJournal)
	return j, ok
}

// open begins n operations.
func (c *check) open(n int) map[string]retry.Entry {
	begun := map[string]retry.Entry{}
	for i := range n {
		e := c.start(c.store.Journal, sample(fmt.Sprintf("p-%03d", i)))
		begun[e.ID] = e
	}
	return begun
}

func pendingLists(c *check) {
	if _, ok := c.lister(); !ok {
		return
	}
	c.lists(nil, "at first")
	open := c.open(12)
	c.lists(open, "with all begun")
	states := []retry.EntryState{retry.EntryOpen, retry.EntryApplied, retry.EntryNotApplied}
	for i := range 9 {
		id := fmt.Sprintf("p-%03d", i)
		if e := c.end(c.store.Journal, open[id], states[i%3], "t-1"); e.State == retry.EntryOpen {
			open[id] = e
		} else {
			delete(open, id)
		}
	}
	c.lists(open, "with some ended")
	again := c.again(c.store.Journal, c.read(c.store.Journal, "p-002"), "second")
	open[again.ID] = again
	c.lists(open, "with one begun again")
}

// lists reports a violation if Pending yields anything other than the open entries.
func (c *check) lists(open map[string]retry.Entry, when string) {
	listed := c.pending(c.store.Journal)
	for id, e := range open {
		c.same(listed[id], e, when+", Pending lists")
	}
	for id := range listed {
		if _, ok := open[id]; !ok {
			c.report("%s, Pending lists %q, which is not open", when, id)
		}
	}
}

func pendingLeft(c *check) {
	j, ok := c.lister()
	if !ok {
		return
	}
	open := c.open(3)
	for _, err := range j.Pending(c) {
		if err != nil {
			c.fatal("Pending: %w", err)
		}
		break
	}
	seq := j.Pending(c)
	for range 2 { // a sequence can be ranged over again
		n := 0
		for range seq {
			n++
		}
		if n != len(open) {
			c.report("Pending lists %d, not %d", n, len(open))
		}
	}
	c.end(j, open["p-001"], retry.EntryApplied)
}

func pendingWhileWriting(c *check) {
	j, ok := c.lister()
	if !ok {
		return
	}
	left := c.open(5)
	for e, err := range j.Pending(c) {
		if err != nil {
			c.fatal("Pending: %w", err)
		}
		c.start(j, sample(" before "+e.ID)) // before all others in the order of IDs: may or may not be listed
		if begun, ok := left[e.ID]; ok {
			c.end(j, c.again(j, begun, "second"), retry.EntryApplied)
			delete(left, e.ID)
		}
		if len(left) == 0 {
			return
		}
	}
	c.report("Pending does not list %q", slices.Sorted(maps.Keys(left)))
}

func pendingWhenItsTurnComes(c *check) {
	j, ok := c.lister()
	if !ok {
		return
	}
	open := c.open(6)
	seen := map[string]bool{}
	for e, err := range j.Pending(c) {
		switch {
		case err != nil:
			c.fatal("Pending: %w", err)
		case seen[e.ID]:
			c.fatal("Pending lists %q again, because it was begun again", e.ID)
		case len(seen) == 3:
			c.fatal("Pending lists %q, which was ended before its turn came", e.ID)
		}
		seen[e.ID] = true
		delete(open, e.ID)
		e.At = e.At.AddDate(0, 0, 1)
		c.again(j, e, "second")
		if len(seen) == 3 {
			for _, other := range open {
				c.end(j, other, retry.EntryApplied)
			}
		}
	}
}

func pendingContext(c *check) {
	j, ok := c.lister()
	if !ok {
		return
	}
	c.open(3)
	ctx, cancel := context.WithCancel(c)
	defer cancel()
	for e, err := range j.Pending(ctx) {
		if err != nil {
			c.cancelled("Pending", err)
			return
		}
		if ctx.Err() != nil {
			c.fatal("Pending continues with %q on a cancelled context", e.ID)
		}
		cancel()
	}
	c.report("Pending on a cancelled context yields no error")
}
