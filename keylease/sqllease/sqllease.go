package sqllease

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/nexpay-go/resilience/keylease"
)

// Config sets where the leases are.
type Config struct {
	// Table is the name of the table of keys: letters, digits and underscores, at most
	// 56, not quoted. In PostgreSQL it may begin with a schema and a dot. The table of
	// processes has the same name with "_owner" appended. Empty means key_lease.
	Table string

	// Dialect is the kind of database. Zero means PostgreSQL.
	Dialect Dialect
}

// A Dialect is a kind of database.
type Dialect uint8

// The supported databases.
const (
	PostgreSQL Dialect = iota // 9.6 or newer
	SQLite                    // 3.35 or newer, on a local disk
)

// String returns "PostgreSQL" or "SQLite".
func (d Dialect) String() string {
	switch d {
	case PostgreSQL:
		return "PostgreSQL"
	case SQLite:
		return "SQLite"
	}
	return fmt.Sprintf("Dialect(%d)", uint8(d))
}

// tableName leaves room for "_owner" in the 63 bytes of PostgreSQL.
var tableName = regexp.MustCompile(`\A([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,55}\z`)

// A Store is a [keylease.Store] in a database. It is safe for concurrent use.
type Store struct {
	db      *sql.DB
	table   string
	dialect Dialect
	keys    atomic.Pointer[string] // keys of the last round, in JSON; nil: no round yet
}

// New returns a Store in db. The caller closes db. The error lists everything that is
// wrong; New does not access the database.
func New(db *sql.DB, cfg Config) (*Store, error) {
	if cfg.Table == "" {
		cfg.Table = "key_lease"
	}
	var errs []error
	if db == nil {
		errs = append(errs, errors.New("sqllease: the database is nil"))
	}
	if !tableName.MatchString(cfg.Table) {
		errs = append(errs, fmt.Errorf("sqllease: Config.Table: %.100q is not a valid table name", cfg.Table))
	}
	if cfg.Dialect > SQLite {
		errs = append(errs, fmt.Errorf("sqllease: Config.Dialect: unknown %v", cfg.Dialect))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Store{db: db, table: cfg.Table, dialect: cfg.Dialect}, nil
}

// Round implements [keylease.Store].
func (s *Store) Round(ctx context.Context, r keylease.Round) (keylease.Standing, error) {
	round := s.postgres
	if s.dialect == SQLite {
		round = s.sqlite
	}
	var standing keylease.Standing
	err := retry(ctx, func() (err error) {
		standing, err = round(ctx, &r)
		return err
	}, "40001", "40P01") // conflict with another round, at isolation levels above "read committed"
	if err != nil {
		return keylease.Standing{}, fmt.Errorf("sqllease: round: %w", err)
	}
	return standing, nil
}

// Schema returns the statements that create the tables if they do not exist, for a
// migration file.
func (s *Store) Schema() string { return strings.Join(s.schema(), ";\n\n") + ";\n" }

// Migrate creates the tables if they do not exist. Several processes may call it at once.
func (s *Store) Migrate(ctx context.Context) error {
	for _, statement := range s.schema() {
		if err := s.make(ctx, statement); err != nil {
			return fmt.Errorf("sqllease: migrate: %w", err)
		}
	}
	return nil
}

// make runs a statement that creates a table. Another process may run it at the same
// time.
func (s *Store) make(ctx context.Context, statement string) error {
	return retry(ctx, func() error {
		_, err := s.db.ExecContext(ctx, statement)
		return err
	}, "23505", "42P07", "42710") // unique_violation, in PostgreSQL's own tables; duplicate_table; duplicate_object
}

// tries is far more than needed: each time another process succeeds.
const tries = 100

// retry repeats f while PostgreSQL reports one of these codes, which mean that it had no
// effect.
func retry(ctx context.Context, f func() error, codes ...string) (err error) {
	for range tries {
		err = f()
		state, ok := errors.AsType[interface {
			error
			SQLState() string
		}](err)
		if !ok || ctx.Err() != nil || !slices.Contains(codes, state.SQLState()) {
			return err
		}
	}
	return err
}

// schema returns the statements. Names are compared byte by byte. Times use the
// database's own type: timestamptz in PostgreSQL, seconds since 1970 in SQLite.
func (s *Store) schema() []string {
	collation, instant, never := `"C"`, "TIMESTAMPTZ", "'-infinity'"
	if s.dialect == SQLite {
		collation, instant, never = "BINARY", "REAL", "0"
	}
	return []string{
		`CREATE TABLE IF NOT EXISTS ` + s.table + ` (
	key_name TEXT COLLATE ` + collation + ` NOT NULL PRIMARY KEY,
	owner    TEXT COLLATE ` + collation + ` NOT NULL DEFAULT '',
	epoch    BIGINT NOT NULL DEFAULT 0,
	high     BIGINT NOT NULL DEFAULT 0,
	until    ` + instant + ` NOT NULL DEFAULT ` + never + `
)`,
		`CREATE TABLE IF NOT EXISTS ` + s.table + `_owner (
	owner TEXT COLLATE ` + collation + ` NOT NULL PRIMARY KEY,
	until ` + instant + ` NOT NULL
)`,
	}
}
