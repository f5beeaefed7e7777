package journaltest_test

import (
	"context"
	"fmt"

	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/journaltest"
)

// A journal of your own is held to the rules in one call. In a test, Run does the
// same with a subtest per rule.
func ExampleTestJournal() {
	err := journaltest.TestJournal(func() (journaltest.Store, error) {
		return journaltest.Store{Journal: new(retry.MemoryJournal)}, nil
	})
	fmt.Println("broken rules:", err)
	// Output: broken rules: <nil>
}

// How does your program take it if the journal stores an entry and says that it
// did not?
func ExampleAdversary() {
	journal := &journaltest.Adversary{
		Journal: new(retry.MemoryJournal),
		Plan:    journaltest.Script(journaltest.FailAfter),
	}
	ctx := context.Background()
	_, err := journal.Begin(ctx, retry.Entry{ID: "invoice-1", Owner: "me", State: retry.EntryOpen})
	fmt.Println(err)
	held, err := journal.Begin(ctx, retry.Entry{ID: "invoice-1", Generation: retry.ReadGeneration})
	fmt.Println(held.Owner, held.State, err)
	// Output:
	// journaltest: the journal fails
	// me open <nil>
}
