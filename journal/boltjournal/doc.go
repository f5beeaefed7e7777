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
// on. Each operation takes about half a kilobyte of it, for ever: what was applied
// must not be forgotten. It is a bbolt database, so `bbolt` can look into it and
// copy it; do not copy a file in use by other means.
package boltjournal
