// Package sqlboard keeps a switchboard in a database: PostgreSQL, or SQLite for tests and
// for processes on one host.
//
//	store, err := sqlboard.New(db, sqlboard.Config{})
//	…
//	err = store.Migrate(ctx) // or Schema in a migration file
//	board, err := switchboard.New(ctx, switchboard.Config{Store: store, Lockout: r.Lockout()})
//
// Each method is one statement, which uses the database's clock.
package sqlboard
