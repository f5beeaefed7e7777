package journaltest

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// A pruner is a journal that can delete ended entries. Package retry does not call
// Prune, so it is not in its interface; journals that have it use this signature.
type pruner interface {
	retry.Journal
	Prune(ctx context.Context, before time.Time) (n int64, err error)
}

var pruneRules = []rule{
	{"Prune keeps open entries, and those that ended a moment ago", pruneKeeps},
	{"Prune refuses an age of less than a day", pruneRefuses},
	{"an ended context ends Prune", pruneContext},
}

// longAgo is a time that Prune must accept, and before which every sample began.
func longAgo() time.Time { return time.Now().Add(-25 * time.Hour) }

// pruneKeeps begins operations years ago that end now: a caller that has just got the
// result may request it again soon.
func pruneKeeps(c *check) {
	j, ok := c.store.Journal.(pruner)
	if !ok {
		return
	}
	var kept []retry.Entry
	for _, state := range []retry.EntryState{retry.EntryOpen, retry.EntryApplied, retry.EntryNotApplied} {
		e := sample(state.String())
		e.At, e.First = e.At.AddDate(-20, 0, 0), e.First.AddDate(-20, 0, 0)
		kept = append(kept, c.end(j, c.start(j, e), state, "t-1"))
	}
	n, err := j.Prune(c, longAgo())
	if err != nil {
		c.fatal("Prune: %w", err)
	}
	if n != 0 {
		c.report("Prune reports %d deleted, not 0", n)
	}
	for _, e := range kept {
		c.holds(j, e, "after Prune")
	}
}

func pruneRefuses(c *check) {
	j, ok := c.store.Journal.(pruner)
	if !ok {
		return
	}
	for _, age := range []time.Duration{-time.Hour, 0, 23 * time.Hour} {
		if _, err := j.Prune(c, time.Now().Add(-age)); err == nil {
			c.report("Prune with an age of %v returns no error", age)
		}
	}
}

func pruneContext(c *check) {
	j, ok := c.store.Journal.(pruner)
	if !ok {
		return
	}
	ctx, cancel := context.WithCancel(c)
	cancel()
	_, err := j.Prune(ctx, longAgo())
	c.cancelled("Prune", err)
}
