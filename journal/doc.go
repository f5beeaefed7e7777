// Package journal is the landing page of the durable journals for
// [github.com/nexpay-go/resilience/retry.DoOnce]. They store which payments were
// sent, so that no payment is made twice even if the process crashes. The package
// itself exports nothing.
//
//   - [github.com/nexpay-go/resilience/journal/boltjournal]: one file, for one
//     process at a time. It needs no server and no setup.
//   - [github.com/nexpay-go/resilience/journal/sqljournal]: a table in your
//     PostgreSQL or SQLite database, for many processes at a time.
//
// To write and test another one, see
// [github.com/nexpay-go/resilience/retry/journaltest].
package journal
