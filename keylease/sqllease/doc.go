// Package sqllease keeps leases on API keys in a database: PostgreSQL, or SQLite for
// tests and for processes on one host.
//
//	store, err := sqllease.New(db, sqllease.Config{})
//	…
//	err = store.Migrate(ctx) // or Schema in a migration file
//	leases, err := keylease.New(keylease.Config{Store: store, Keys: keys})
//
// A round is one statement in PostgreSQL, and one short transaction in SQLite. It uses
// the database's clock and takes no advisory lock. In PostgreSQL it locks rows only while
// it runs, and skips rows that another round has locked. So a process that is stopped
// holds nothing but its leases. A round may run twice, as drivers repeat statements whose
// answer is lost.
//
// The database must keep what it has acknowledged. With synchronous_commit off, or after
// a failover to a server without the last commits, the high of a holder may be lost, and
// the next process begins too low. The API then refuses its requests (code 50) until the
// lane has caught up. No payment is made twice because of that.
package sqllease
