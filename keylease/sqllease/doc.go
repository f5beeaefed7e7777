// Package sqllease keeps leases on API keys in a database: PostgreSQL, or SQLite for tests
// and for processes of one host.
//
//	store, err := sqllease.New(db, sqllease.Config{})
//	…
//	err = store.Migrate(ctx) // or Schema in a file of migrations
//	leases, err := keylease.New(keylease.Config{Store: store, Keys: keys})
//
// A round is one statement in PostgreSQL, and one short transaction in SQLite. It goes by
// the database's clock, locks rows for no longer than it runs, skips those that another
// round has locked, and takes no advisory lock: a process that is stopped holds nothing but
// its leases. It may be run twice, as drivers do by themselves when an answer is lost.
//
// What the database acknowledged it has to keep: with synchronous_commit off, or on a
// server that takes over without the last commits, a holder's high may be forgotten, and the
// next process begins too low. Then the API refuses nonces (code 50) until the lane has
// caught up; no payment is made twice by that.
package sqllease
