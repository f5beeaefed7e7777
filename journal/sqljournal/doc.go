// Package sqljournal is a [retry.Journal] in a table of your own PostgreSQL or SQLite
// database, through database/sql and a driver of your choice:
//
//	journal, err := sqljournal.New(db, sqljournal.Config{Table: "payments.journal"})
//	// …
//	err = journal.Migrate(ctx) // or give Schema to the tool that migrates your database
//	// …
//	r, err := retry.New(retry.Config{Journal: journal})
//
// Any number of processes may share the table. Each operation is one row, which a
// person can read. Each call executes one or two statements that commit by
// themselves. They are never part of a transaction of yours, because Begin must be
// durable before the payment is sent.
//
// # Durability
//
// What was acknowledged is as durable as the database makes its commits. A database
// that is not set up for that is [ErrForgets]: [Journal.Check], which Migrate and the
// first Begin call, lists what is wrong. With Config.MustKeep they refuse such a
// database; otherwise they log a warning.
//
//   - PostgreSQL: keep fsync and synchronous_commit on, which is the default, and the
//     table logged. The journal must connect to the primary.
//   - SQLite: set journal_mode WAL, and keep the synchronous pragma FULL, which is
//     the default. Set both in the data source's name, where they apply to each
//     connection. NORMAL loses commits when the power fails; so does FULL with
//     journal_mode DELETE, which is SQLite's default and needs EXTRA. Set
//     busy_timeout there, too: without it calls fail with SQLITE_BUSY while another
//     one writes, and Check logs a warning. Check cannot detect a disk that reports
//     writes it has not made.
//
// # Connections that are cut
//
// A connection may be cut before a statement reached PostgreSQL, after it was
// committed, or in the middle of the answer. Each statement of this package may be
// executed twice: it recognizes its own first execution by Entry.Owner. So the
// journal repeats it on another connection, for up to 5 s or until the context ends:
//
//   - at once: after an established connection was cut, up to ten times (a pool may
//     be full of cut connections), and after a serialization failure or a deadlock
//     (40001, 40P01)
//   - after a wait of 50 ms to 500 ms: when no connection can be made (class 08,
//     57P01 to 57P03, 53300), after statement_timeout or lock_timeout (57014, 55P03),
//     and in a read-only transaction (25006), whose connection is closed because it
//     may lead to a former primary
//   - when there is no answer within 2 s: the network may drop all packets of the
//     connection
//
// Any other SQLSTATE is returned at once. A driver should end a call when its context
// ends. pgx does; lib/pq only asks the server to. With lib/pq, a dead connection does
// not block the caller, but occupies its place in the pool until the system's TCP
// closes it. It does no harm if a driver itself executes a statement twice. SQLite
// has no connection to lose: its calls wait for a lock for busy_timeout, and are not
// repeated.
//
// # A failover
//
// A standby that replicates asynchronously lacks the last commits. After a failover
// to it, the journal may lack one of the last payments, which is sent AGAIN when it
// is requested again. This package cannot detect that. Use synchronous replication
// (synchronous_standby_names, synchronous_commit on): then Begin returns only when a
// standby has the entry as well, even a Begin whose answer was lost. If you cannot,
// set LookFirst of [retry.Operation] after a failover, for as long as earlier
// payments may be requested again.
//
// A detectable loss is refused: if a Begin continues an acknowledged generation and
// the table has an older one or none, the error is [ErrForgets], and nothing is sent.
// After a connection was lost, the next Begin calls [Journal.Check] once more,
// because the next server may not be durable. Two primaries at the same time are two
// journals: whoever runs the database must prevent that.
//
// # Deleting rows
//
// A row takes some 400 bytes with its indexes. [Journal.Prune] deletes the rows of
// operations that ended long ago. A payment whose row was deleted can be made AGAIN
// with the same ID: see Prune for a safe age.
//
// Pending does not become slower with the number of rows, but with the number of rows
// that ended since Pending was last called or the table was vacuumed. Vacuum a table
// of millions of rows earlier than by default:
//
//	ALTER TABLE payment_journal SET (autovacuum_vacuum_scale_factor = 0.01)
//
// # Tables of earlier versions
//
// [Journal.Migrate] adds the missing columns; [Journal.Upgrade] returns the
// statements for another tool. Existing rows stay as they are, and processes of the
// earlier version can go on meanwhile.
//
//   - first_at, takes_ns: add them before the first process of this version begins a
//     payment. Until then its calls return errors, and nothing is sent.
//   - ended_at: without it only Prune returns an error. The age of an operation that
//     ended before the table had the column counts from its beginning.
package sqljournal
