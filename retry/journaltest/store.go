package journaltest

import "github.com/nexpay-go/resilience/retry"

// A Store is a new and empty journal, with other ways to access its entries. A rule
// is not tested if it needs a function that is nil.
type Store struct {
	// Journal is required. If it is a [retry.PendingJournal], Pending is tested too;
	// so is a method Prune(context.Context, time.Time) (int64, error).
	Journal retry.Journal

	// Beside opens another handle on the same entries, as another process would,
	// while Journal is in use. nil: not possible.
	Beside func() (retry.Journal, error)

	// Reopen closes Journal and opens its entries again, as a restart would. nil: the
	// entries are not durable.
	Reopen func() (retry.Journal, error)

	// Close releases the store, including the handles that Beside and Reopen opened.
	// nil: nothing to release.
	Close func() error
}
