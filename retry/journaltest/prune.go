package journaltest

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// A pruner is a journal that can forget what ended. Nothing here calls that, so it is
// no interface of package retry; those who have the method have it alike.
type pruner interface {
	retry.Journal
	Prune(ctx context.Context, before time.Time) (n int64, err error)
}

var pruneRules = []rule{
	{"Prune keeps what is open, and what ended a moment ago", pruneKeeps},
	{"Prune refuses what ended within a day", pruneRefuses},
	{"an ended context ends Prune", pruneContext},
}

// longAgo is a time that Prune has to accept, and before which every sample began.
func longAgo() time.Time { return time.Now().Add(-25 * time.Hour) }

// pruneKeeps begins operations years ago that end now: whoever heard of the end may
// ask again soon.
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
			c.report("Prune of what ended %v ago returns no error", age)
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
