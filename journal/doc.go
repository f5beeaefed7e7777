// Package journal is the landing page of the durable journals for
// [github.com/nexpay-go/resilience/retry.DoOnce]: they remember which payments
// were sent, so that none is made twice though the process crashed in between.
// The package itself exports nothing.
//
//   - [github.com/nexpay-go/resilience/journal/boltjournal]: one file, for one
//     process at a time. Nothing to run, nothing to set up.
//   - [github.com/nexpay-go/resilience/journal/sqljournal]: a table in your
//     PostgreSQL or SQLite database, for many processes at a time.
//
// To write another one, and to know that it is right, see
// [github.com/nexpay-go/resilience/retry/journaltest].
package journal
