// Package boltjournal is a [retry.Journal] in one file, for programs that run as one
// process and have no database:
//
//	journal, err := boltjournal.Open(boltjournal.Config{Path: "/var/lib/shop/payments.journal"})
//	// …
//	defer journal.Close()
//	r, err := retry.New(retry.Config{Journal: journal})
//
// Several processes that make payments with the same IDs need
// [github.com/nexpay-go/resilience/journal/sqljournal].
//
// The file must be on a local disk that outlives the process: not in a container's
// own layer, and not on NFS, whose locks and flushes are not reliable. Each operation
// takes about half a kilobyte until [Journal.Prune] deletes it. A payment that was
// deleted can be made AGAIN with the same ID: see Prune for a safe age. The file is a
// bbolt database, so the command `bbolt` can read and copy it. Do not copy a file
// that is in use by other means.
//
// # A lost file
//
// A payment that is not in the journal at the next start is made again. So before
// each commit the open file is compared with the file at the path. If it was moved,
// removed or replaced (by a log rotation, a cleaned or renamed folder, another
// volume), the error is [ErrMoved], and nothing is sent. After the file was moved
// back, the journal works again.
//
// At a start, the small file with the name of the journal and ".begun" shows that
// there was a journal: if it exists without the journal, that is [ErrMoved] too. To
// start with a new journal, remove that file as well, and set LookFirst of
// [retry.Operation] for as long as payments of the last journal may be requested
// again. Where both files may be lost together (a volume that is not mounted, a
// container's layer), set Config.MustExist after the first start.
//
// This package does not detect a file that was moved together with ".begun" after the
// last commit of a process, nor an older copy that replaced the file before a start
// or was written over the open file.
package boltjournal
