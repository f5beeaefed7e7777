package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/keylease"
	"github.com/nexpay-go/resilience/keylease/redislease"
	"github.com/nexpay-go/resilience/keylease/sqllease"
	"github.com/nexpay-go/resilience/switchboard/sqlboard"
)

// A database has what the processes share.
type database struct {
	db      *sql.DB
	redis   *redis.Client // nil: the leases are in db
	journal *sqljournal.Journal
	leases  keylease.Store
	board   *sqlboard.Store
	tables  []string
	keys    []string // in Redis
}

// connect opens the database. Each process does that.
func connect(t *task) (*database, error) {
	driver, dsn, lite := "pgx", t.Postgres, false
	if t.Postgres == "" {
		driver, dsn, lite = "sqlite", "file:"+t.SQLite+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)", true
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	d := &database{db: db, tables: []string{t.Prefix + "_journal", t.Prefix + "_lease", t.Prefix + "_lease_owner", t.Prefix + "_board"}}
	journal, lease, board := sqljournal.Config{Table: d.tables[0]}, sqllease.Config{Table: d.tables[1]}, sqlboard.Config{Table: d.tables[3]}
	if lite {
		journal.Dialect, lease.Dialect, board.Dialect = sqljournal.SQLite, sqllease.SQLite, sqlboard.SQLite
	}
	var errs [3]error
	d.journal, errs[0] = sqljournal.New(db, journal)
	d.leases, errs[1] = sqllease.New(db, lease)
	d.board, errs[2] = sqlboard.New(db, board)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if t.Redis != "" {
		d.redis = redis.NewClient(&redis.Options{Addr: t.Redis, ContextTimeoutEnabled: true}) // otherwise a server that hangs delays each round by 5 s
		d.keys = []string{t.Prefix + ":leases", t.Prefix + ":owners"}
		d.leases, err = redislease.New(func(ctx context.Context, script string, keys []string, args ...any) (any, error) {
			return d.redis.Eval(ctx, script, keys, args...).Result()
		}, redislease.Config{Prefix: t.Prefix})
	}
	return d, err
}

// openDatabase is connect, and creates the tables.
func openDatabase(ctx context.Context, t *task) (*database, error) {
	d, err := connect(t)
	if err != nil {
		return nil, err
	}
	err = errors.Join(d.journal.Migrate(ctx), d.board.Migrate(ctx))
	if s, ok := d.leases.(*sqllease.Store); ok {
		err = errors.Join(err, s.Migrate(ctx))
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *database) close() error {
	err := d.db.Close()
	if d.redis != nil {
		err = errors.Join(err, d.redis.Close())
	}
	return err
}

// open counts the operations that are open in the journal.
func (d *database) open(ctx context.Context) (n int, err error) {
	for _, err := range d.journal.Pending(ctx) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// drop removes all tables and keys, and closes the database.
func (d *database) drop() {
	for _, table := range d.tables {
		_, _ = d.db.Exec(fmt.Sprintf("DROP TABLE IF EXISTS %s", table))
	}
	if d.redis != nil {
		_ = d.redis.Del(context.Background(), d.keys...).Err()
	}
	_ = d.close()
}
