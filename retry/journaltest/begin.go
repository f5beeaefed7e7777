package journaltest

import (
	"context"
	"errors"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

var beginRules = []rule{
	{"an empty journal holds nothing", emptyHoldsNothing},
	{"Begin stores", beginStores},
	{"Begin compares and swaps", beginCompares},
	{"the same Begin once more returns what it stored", beginRepeated},
	{"reading changes nothing", readingChangesNothing},
	{"applied is final", appliedIsFinal},
	{"an operation that did not happen may begin again", notAppliedBeginsAgain},
	{"an ended context ends the call", endedContext},
}

func emptyHoldsNothing(c *check) {
	c.empty(c.store.Journal, "p-1", "at first")
	c.start(c.store.Journal, sample("p-2"))
	c.empty(c.store.Journal, "p-1", "with another operation begun")
	c.ahead(retry.Entry{ID: "p-1", Generation: 1, State: retry.EntryOpen}, retry.Entry{}, "Begin of generation 1, where none is, returns")
	c.empty(c.store.Journal, "p-1", "after a Begin of generation 1, where none is")
}

func beginStores(c *check) {
	e := c.start(c.store.Journal, sample("p-1"))
	c.holds(c.store.Journal, e, "after Begin")
	e = c.again(c.store.Journal, e, "second")
	c.holds(c.store.Journal, e, "after another Begin")
	changed := e
	changed.Key, changed.Fingerprint, changed.Nonce = "spare", "", e.Nonce+1
	changed.At, changed.TraceIDs = e.At.AddDate(0, 0, 1), []string{"t-1"}
	changed.First, changed.Takes = e.First.AddDate(0, 0, -1), e.Takes+time.Minute
	c.holds(c.store.Journal, c.again(c.store.Journal, changed, "third"), "after a Begin that changes every field")
}

func beginCompares(c *check) {
	first := c.start(c.store.Journal, sample("p-1"))
	second := c.again(c.store.Journal, first, "second")
	for _, generation := range []int64{0, 1, 3, -1} {
		other := sample("p-1")
		other.Owner, other.Generation = "other", generation
		c.ahead(other, second, "Begin of a generation that is not held returns")
		c.holds(c.store.Journal, second, "after Begin of a generation that is not held")
	}
}

// ahead is a Begin that changes nothing. For a generation above the stored one, an
// error is allowed: a journal that acknowledged that generation has lost it.
func (c *check) ahead(e, held retry.Entry, what string) {
	got, err := c.store.Journal.Begin(c, e)
	switch {
	case err != nil && e.Generation <= held.Generation:
		c.fatal("Begin of generation %d: %w", e.Generation, err)
	case err == nil:
		c.same(got, held, what)
	}
}

// The caller got an error, and repeats the call to learn whether the entry was stored.
func beginRepeated(c *check) {
	for _, owner := range []string{"first", "second"} { // of a new operation, and of one that is held
		e := sample("p-1")
		e.Owner, e.Generation = owner, c.read(c.store.Journal, "p-1").Generation
		held := c.begin(c.store.Journal, e)
		for range 2 {
			c.same(c.begin(c.store.Journal, e), held, "the same Begin once more returns")
		}
		c.holds(c.store.Journal, held, "after the same Begin three times")
	}
}

func readingChangesNothing(c *check) {
	e := c.start(c.store.Journal, sample("p-1"))
	c.holds(c.store.Journal, e, "open")
	c.holds(c.store.Journal, e, "read once before")
	e = c.end(c.store.Journal, e, retry.EntryApplied, "t-1")
	c.holds(c.store.Journal, e, "ended")
	c.holds(c.store.Journal, e, "read once before")
}

func appliedIsFinal(c *check) {
	e := c.end(c.store.Journal, c.start(c.store.Journal, sample("p-1")), retry.EntryApplied)
	for _, generation := range []int64{0, 1, 2} {
		other := sample("p-1")
		other.Owner, other.Generation = "other", generation
		c.same(c.begin(c.store.Journal, other), e, "Begin of an applied operation returns")
		c.holds(c.store.Journal, e, "after Begin of an applied operation")
	}
}

func notAppliedBeginsAgain(c *check) {
	e := c.end(c.store.Journal, c.start(c.store.Journal, sample("p-1")), retry.EntryNotApplied, "t-1")
	e = c.again(c.store.Journal, e, "second")
	c.holds(c.store.Journal, e, "begun again")
	e = c.end(c.store.Journal, e, retry.EntryApplied, "t-1", "t-2")
	c.holds(c.store.Journal, e, "applied the second time")
}

// After an error the entry may or may not have been stored, so only the error is
// checked.
func endedContext(c *check) {
	e := c.start(c.store.Journal, sample("p-1"))
	ended, cancel := context.WithCancel(c)
	cancel()
	_, err := c.store.Journal.Begin(ended, sample("p-2"))
	c.cancelled("Begin", err)
	_, err = c.store.Journal.Begin(ended, retry.Entry{ID: "p-1", Generation: retry.ReadGeneration})
	c.cancelled("reading", err)
	e.State = retry.EntryApplied
	c.cancelled("End", c.store.Journal.End(ended, e))
}

func (c *check) cancelled(call string, err error) {
	if !errors.Is(err, context.Canceled) {
		c.report("%s on a cancelled context returns the error %v, which is not context.Canceled", call, err)
	}
}
