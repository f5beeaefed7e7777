package journaltest

import "github.com/nexpay-go/resilience/retry"

// A Store is a new and empty journal, and the other ways to its entries. Rules
// that need a way that is nil are not tested.
type Store struct {
	// Journal is required. If it is a [retry.PendingJournal], Pending is tested too; so
	// is a method Prune(context.Context, time.Time) (int64, error).
	Journal retry.Journal

	// Beside opens one more handle on the same entries, as another process would,
	// while Journal is in use. nil: there can be none.
	Beside func() (retry.Journal, error)

	// Reopen closes Journal and opens its entries again, as a restart would.
	// nil: they do not last.
	Reopen func() (retry.Journal, error)

	// Close gives up what the store holds, the handles that Beside and Reopen
	// opened included. nil: nothing.
	Close func() error
}
