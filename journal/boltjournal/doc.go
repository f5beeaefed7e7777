// Package boltjournal is a [retry.Journal] in one file, for programs that run as
// one process and have no database:
//
//	journal, err := boltjournal.Open(boltjournal.Config{Path: "/var/lib/shop/payments.journal"})
//	// …
//	defer journal.Close()
//	r, err := retry.New(retry.Config{Journal: journal})
//
// Several processes that make payments with the same IDs need
// [github.com/nexpay-go/resilience/journal/sqljournal].
//
// The file has to be on a disk of the machine that outlives the process: not in a
// container's own layer, and not on NFS, whose locks and flushes cannot be relied
// on. Each operation takes about half a kilobyte of it until [Journal.Prune] deletes it:
// a payment that is deleted can be made AGAIN with the same ID, so read there which age
// is safe. It is a bbolt database, so `bbolt` can look into it and
// copy it; do not copy a file in use by other means.
//
// # A file that is lost
//
// A payment that the next start does not find in the journal is made again. So
// before each commit the open file is compared with the path. One that was
// moved, removed or replaced (a log rotation, a cleaned folder, another volume, a
// folder renamed) is [ErrMoved], and nothing is sent. Moved back, it goes on.
//
// At a start, the small file beside the journal, its name and ".begun", shows that
// there was one: a start that finds it without the journal is [ErrMoved] too. To
// start afresh, remove that file as well, and set LookFirst of [retry.Operation] for
// as long as payments of the last journal may be asked for again. Where both may go at once (a volume that is not mounted, a
// container's layer), set Config.MustExist once the first start is over.
//
// Nothing here notices a file that was moved after the last commit and whose process
// ended, if ".begun" went with it; nor an older copy that was put in its place before
// a start, or written over the open file itself.
package boltjournal
