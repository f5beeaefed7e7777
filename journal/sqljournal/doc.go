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
//     logged. The journal must talk to the primary.
//   - SQLite: set journal_mode WAL, and leave the synchronous pragma FULL, as it is,
//     both in the data source's name, where they hold for each connection. NORMAL
//     loses commits when the power fails; so does FULL with journal_mode DELETE,
//     which is SQLite's own choice: there it takes EXTRA. Set busy_timeout
//     there, too: without it calls fail with SQLITE_BUSY while another one writes,
//     and Check warns of that. What cannot be seen from here: a disk
//     that says it has stored what it has not.
//
// # Connections that are cut
//
// A connection may be cut before a statement reached PostgreSQL, after it was
// committed, or in the middle of the answer. Each statement here may be executed
// twice, and finds by Entry.Owner that the first execution was its own; so the journal
// repeats it on another connection, for up to 5 s or until the context ends:
//
//   - at once: after a connection that was there and is cut, ten times (a pool may be
//     full of them), and after a serialization failure or a deadlock (40001, 40P01)
//   - after a wait of 50 ms to 500 ms: when nobody can connect (class 08, 57P01 to
//     57P03, 53300), after statement_timeout or lock_timeout (57014, 55P03), and in a
//     read-only transaction (25006), whose connection is given up as it may lead to a
//     former primary
//   - when no answer comes within 2 s: the network may have swallowed the connection
//
// Any other SQLSTATE is the answer, at once. A driver should end a call when its context
// ends. pgx does; lib/pq only asks the server to. There, a connection on which nothing
// arrives any more keeps no caller, but its place in the pool, for as long as the
// system's TCP does. That a driver executes a statement twice by itself does no harm. SQLite has no connection to lose;
// its calls wait for a lock as long as busy_timeout says, and are not repeated.
//
// # A failover
//
// A standby that replicates asynchronously lacks the last commits. After a failover to
// it, a payment of the last moments may be unknown to the journal, and is sent AGAIN when
// somebody asks for it. Nothing can see that from here: what was never known looks the
// same. Use synchronous replication (synchronous_standby_names, synchronous_commit on):
// then Begin returns when a standby has the entry as well, also a Begin whose answer was
// lost. If you cannot, set LookFirst of [retry.Operation] after a failover, for as long
// as payments from before may be asked for again.
//
// What can be seen is refused: a Begin of a generation that was acknowledged, where an
// older one or none is held, is [ErrForgets], and nothing is sent. After a connection was
// lost, the next Begin calls [Journal.Check] once more, as the next server may not be
// durable. Two primaries at once are two journals: keeping the old one out is for those
// who run the database.
//
// # Rows that are no longer needed
//
// A row takes some 400 bytes with its indexes. [Journal.Prune] deletes those of
// operations that ended long ago. A payment whose row is gone can be made AGAIN with the
// same ID: read there which age is safe before you run it.
//
// Pending does not become slower with the number of rows, but with that of the rows that
// ended since it was last called or the table vacuumed. A table of millions should be
// vacuumed earlier than by default:
//
//	ALTER TABLE payment_journal SET (autovacuum_vacuum_scale_factor = 0.01)
//
// # Tables of earlier versions
//
// [Journal.Migrate] adds the columns that they lack; [Journal.Upgrade] has the
// statements for another tool. Rows stay as they are, and processes of the earlier
// version can go on meanwhile.
//
//   - first_at, takes_ns: do it before the first process of this version begins a
//     payment. Until then its calls are errors, and nothing is sent.
//   - ended_at: everything works without it but Prune, which is an error then. What
//     ended before the table had it counts from its beginning.
package sqljournal
