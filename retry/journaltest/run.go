package journaltest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// patience is how long one rule may take. A journal on a slow disk needs a
// second; one that waits for itself needs for ever.
const patience = 30 * time.Second

// Run tests each rule of [retry.Journal] in a subtest of its own, on a store of
// its own. open may fail the test, and leave closing to t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Store) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			store := open(t)
			for _, err := range r.hold(t.Context(), store) {
				t.Error(err)
			}
		})
	}
}

// TestJournal tests each rule of [retry.Journal] on a store of its own. It returns
// nil if all are kept, and otherwise an error with one line per violation.
func TestJournal(open func() (Store, error)) error {
	var found []error
	for _, r := range rules {
		store, err := open()
		if err != nil {
			return errors.Join(append(found, fmt.Errorf("open: %w", err))...)
		}
		for _, err := range r.hold(context.Background(), store) {
			found = append(found, fmt.Errorf("%s: %w", r.name, err))
		}
	}
	return errors.Join(found...)
}

// A rule is one thing that a journal has to do.
type rule struct {
	name string // a sentence: it is what is read when it is broken
	test func(*check)
}

// hold tests the rule on a store, closes it, and returns what was found.
func (r rule) hold(ctx context.Context, store Store) []error {
	c := newCheck(ctx, store)
	defer c.cancel()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		defer c.survive()
		r.test(c)
	}()
	c.await(finished)
	return c.violations()
}

// await gives up on a journal that hangs, so that the other rules are tested too.
func (c *check) await(finished <-chan struct{}) {
	select {
	case <-finished:
	case <-time.After(patience):
		c.report("it hangs: no answer in %v", patience)
		c.cancel()
		select {
		case <-finished: // it listens to its context
		case <-time.After(time.Second):
			return // a store that is in use cannot be closed
		}
	}
	if c.store.Close != nil {
		if err := c.store.Close(); err != nil {
			c.report("Close: %w", err)
		}
	}
}
