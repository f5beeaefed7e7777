package journaltest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// patience is how long one rule may take. A journal on a slow disk needs a second; a
// deadlocked one never returns.
const patience = 30 * time.Second

// Run tests each rule of [retry.Journal] in its own subtest, on its own store. open
// may fail the test, and may close the store in t.Cleanup.
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

// TestJournal tests each rule of [retry.Journal] on its own store. It returns nil if
// all rules are kept, and otherwise an error with one line per violation.
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

// A rule is one requirement for a journal.
type rule struct {
	name string // a sentence, which is printed when the rule is broken
	test func(*check)
}

// hold tests the rule on a store, closes the store, and returns the violations.
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

// await gives up on a journal that hangs, so that the other rules are still tested.
func (c *check) await(finished <-chan struct{}) {
	select {
	case <-finished:
	case <-time.After(patience):
		c.report("it hangs: no return within %v", patience)
		c.cancel()
		select {
		case <-finished: // it returned when its context ended
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
