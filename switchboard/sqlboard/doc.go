// Package sqlboard keeps a switchboard in a database: PostgreSQL, or SQLite for tests and
// for processes of one host.
//
//	store, err := sqlboard.New(db, sqlboard.Config{})
//	…
//	err = store.Migrate(ctx) // or Schema in a file of migrations
//	board, err := switchboard.New(ctx, switchboard.Config{Store: store, Lockout: r.Lockout()})
//
// Each of its methods is one statement, which goes by the database's clock.
package sqlboard
