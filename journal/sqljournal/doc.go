// Package sqljournal is a [retry.Journal] in a table of your own PostgreSQL or
// SQLite database, through database/sql and a driver of your choice:
//
//	journal, err := sqljournal.New(db, sqljournal.Config{Table: "payments.journal"})
//	// …
//	err = journal.Migrate(ctx) // or give Schema to the tool that migrates your database
//	// …
//	r, err := retry.New(retry.Config{Journal: journal})
//
// Any number of processes may share the table. Each operation is one row, which a
// person can read, and each call one or two statements that commit by themselves:
// never part of a transaction of yours, because Begin has to be durable before the
// payment is sent.
//
// # Durability
//
// What was acknowledged is as durable as the database makes its commits.
//
//   - PostgreSQL: leave fsync and synchronous_commit on, as they are. A failover to
//     a standby that replicates asynchronously may lose the last commits, and with
//     them the knowledge of payments; synchronous replication does not. The journal
//     must talk to the primary.
//   - SQLite: leave the synchronous pragma FULL, as it is; NORMAL with a WAL loses
//     commits when the power fails. Set busy_timeout, or callers at the same time
//     get errors.
//
// Rows are never deleted here. A row that is deleted is a payment that can be made
// again with the same ID, so delete what is years old and applied, if anything.
package sqljournal
