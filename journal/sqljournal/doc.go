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
// What was acknowledged is as durable as the database makes its commits. One that is
// not set so is [ErrForgets]: [Journal.Check], which Migrate and the first Begin call,
// says what is wrong with it. With Config.MustKeep they refuse such a database,
// otherwise they warn of it.
//
//   - PostgreSQL: leave fsync and synchronous_commit on, as they are, and the table
//     logged. The journal must talk to the primary. What cannot be seen from here: a
//     failover to a standby that replicates asynchronously may lose the last commits,
//     and with them the knowledge of payments; synchronous replication does not.
//   - SQLite: set journal_mode WAL, and leave the synchronous pragma FULL, as it is,
//     both in the data source's name, where they hold for each connection. NORMAL
//     loses commits when the power fails; so does FULL with journal_mode DELETE,
//     which is SQLite's own choice: there it takes EXTRA. Set busy_timeout
//     there, too: without it calls fail with SQLITE_BUSY while another one writes,
//     and Check warns of that. What cannot be seen from here: a disk
//     that says it has stored what it has not.
//
// # Tables of earlier versions
//
// [Journal.Migrate] adds the columns that they lack; [Journal.Upgrade] has the
// statements for another tool. Do it before the first process of this version
// begins a payment: until then its calls are errors, and nothing is sent. Processes
// of the earlier version can go on meanwhile.
//
// Rows are never deleted here. A row that is deleted is a payment that can be made
// again with the same ID, so delete what is years old and applied, if anything.
package sqljournal
