package journaltest

import "github.com/nexpay-go/resilience/retry"

var reopenRules = []rule{
	{"acknowledged entries are there after a restart", reopened},
}

func reopened(c *check) {
	if c.store.Reopen == nil {
		return
	}
	begun := c.start(c.store.Journal, sample("begun"))
	again := c.again(c.store.Journal, c.start(c.store.Journal, sample("again")), "second")
	noted := c.end(c.store.Journal, c.start(c.store.Journal, sample("noted")), retry.EntryOpen, traces(16)...)
	applied := c.end(c.store.Journal, c.start(c.store.Journal, sample("applied")), retry.EntryApplied, "t-1")
	absent := c.end(c.store.Journal, c.start(c.store.Journal, sample("not applied")), retry.EntryNotApplied)
	j, err := c.store.Reopen()
	if err != nil {
		c.fatal("Reopen: %w", err)
	}
	c.store.Journal = j
	for _, e := range []retry.Entry{begun, again, noted, applied, absent} {
		c.holds(j, e, "after a restart")
	}
	if _, ok := c.lister(); ok {
		c.lists(map[string]retry.Entry{"begun": begun, "again": again, "noted": noted}, "after a restart")
	}
	c.same(c.begin(j, begunAt(applied)), applied, "after a restart, Begin of an applied operation returns")
	c.again(j, absent, "second")
	c.again(j, again, "third")
}

// begunAt returns e as a Begin of its generation.
func begunAt(e retry.Entry) retry.Entry {
	other := sample(e.ID)
	other.Owner, other.Generation = "other", e.Generation
	return other
}
