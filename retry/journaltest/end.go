package journaltest

import (
	"errors"

	"github.com/nexpay-go/resilience/retry"
)

var endRules = []rule{
	{"End changes state and trace ids, and nothing else", endChanges},
	{"End as open stores trace ids", endNotes},
	{"End can be repeated", endRepeats},
	{"End of an operation that is not stored is busy", endOfNothing},
	{"End of another generation is busy", endOfAnother},
	{"a late End changes nothing", lateEnd},
}

func endChanges(c *check) {
	for _, state := range []retry.EntryState{retry.EntryApplied, retry.EntryNotApplied} {
		e := c.start(c.store.Journal, sample("p-"+state.String()))
		named := retry.Entry{ID: e.ID, Generation: e.Generation} // only names the operation
		c.end(c.store.Journal, named, state, "t-1", "t-2")
		e.State, e.TraceIDs = state, []string{"t-1", "t-2"}
		c.holds(c.store.Journal, e, "ended as "+state.String())
	}
}

func endNotes(c *check) {
	e := c.start(c.store.Journal, sample("p-1"))
	e = c.end(c.store.Journal, e, retry.EntryOpen, "t-1")
	c.holds(c.store.Journal, e, "with a trace id noted")
	e = c.end(c.store.Journal, e, retry.EntryOpen, "t-1", "t-2")
	c.holds(c.store.Journal, e, "with two noted")
	e = c.end(c.store.Journal, e, retry.EntryOpen, "t-1", "t-2")
	c.holds(c.store.Journal, e, "with two noted twice")
	c.holds(c.store.Journal, c.end(c.store.Journal, e, retry.EntryApplied), "ended without any")
}

func endRepeats(c *check) {
	for _, state := range []retry.EntryState{retry.EntryApplied, retry.EntryNotApplied} {
		e := c.start(c.store.Journal, sample("p-"+state.String()))
		e = c.end(c.store.Journal, e, state, "t-1")
		c.end(c.store.Journal, e, state, "t-1")
		c.holds(c.store.Journal, e, "ended twice")
		c.end(c.store.Journal, e, state, "t-2")
		c.holds(c.store.Journal, e, "ended again with another trace id")
	}
}

func endOfNothing(c *check) {
	for _, generation := range []int64{0, 1} {
		e := sample("p-1")
		e.Generation = generation
		c.busy(e, retry.EntryApplied)
		c.busy(e, retry.EntryOpen)
		c.empty(c.store.Journal, "p-1", "after an End without a Begin")
	}
}

func endOfAnother(c *check) {
	e := c.again(c.store.Journal, c.start(c.store.Journal, sample("p-1")), "second")
	for _, generation := range []int64{0, 1, 3, retry.ReadGeneration} {
		other := e
		other.Generation = generation
		for _, state := range []retry.EntryState{retry.EntryApplied, retry.EntryNotApplied, retry.EntryOpen} {
			c.busy(other, state)
			c.holds(c.store.Journal, e, "after an End of another generation")
		}
	}
}

func lateEnd(c *check) {
	states := []retry.EntryState{retry.EntryApplied, retry.EntryNotApplied, retry.EntryOpen}
	for _, state := range states[:2] {
		e := c.start(c.store.Journal, sample("p-"+state.String()))
		e = c.end(c.store.Journal, e, state, "t-1")
		for _, late := range states {
			if late != state {
				c.busy(e, late)
				c.holds(c.store.Journal, e, "after a late End as "+late.String())
			}
		}
	}
}

// busy is an End that comes too late.
func (c *check) busy(e retry.Entry, state retry.EntryState) {
	e.State, e.TraceIDs = state, []string{"late"}
	if err := c.store.Journal.End(c, e); !errors.Is(err, retry.ErrBusy) {
		c.report("End of generation %d as %v returns the error %v, which is not retry.ErrBusy", e.Generation, state, err)
	}
}
