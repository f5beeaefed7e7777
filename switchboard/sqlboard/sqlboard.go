package sqlboard

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/switchboard"
)

// Config sets where the board is.
type Config struct {
	// Table is the name of the table: letters, digits and underscores, at most 63, not
	// quoted. In PostgreSQL it may begin with a schema and a dot. Empty means
	// switchboard.
	Table string

	// Dialect is the kind of database. Zero means PostgreSQL.
	Dialect Dialect
}

// A Dialect is a kind of database.
type Dialect uint8

// The supported databases.
const (
	PostgreSQL Dialect = iota // 9.6 or newer
	SQLite                    // 3.24 or newer, on a local disk
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

var tableName = regexp.MustCompile(`\A([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62}\z`)

// A Store is a [switchboard.Store] in a database. It is safe for concurrent use.
type Store struct {
	db       *sql.DB
	schema   string
	put, all string
}

// New returns a Store in db. The caller closes db. The error lists everything that is
// wrong; New does not access the database.
func New(db *sql.DB, cfg Config) (*Store, error) {
	if cfg.Table == "" {
		cfg.Table = "switchboard"
	}
	var errs []error
	if db == nil {
		errs = append(errs, errors.New("sqlboard: the database is nil"))
	}
	if !tableName.MatchString(cfg.Table) {
		errs = append(errs, fmt.Errorf("sqlboard: Config.Table: %.100q is not a valid table name", cfg.Table))
	}
	if cfg.Dialect > SQLite {
		errs = append(errs, fmt.Errorf("sqlboard: Config.Dialect: unknown %v", cfg.Dialect))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	words := statements[cfg.Dialect]
	fill := func(text string) string {
		return strings.NewReplacer(append(words, "{table}", cfg.Table)...).Replace(text)
	}
	return &Store{db: db, schema: fill(schema), put: fill(put), all: fill(all)}, nil
}

// statements are the differences between the dialects. Times use the database's own type:
// timestamptz in PostgreSQL, seconds since 1970 in SQLite.
var statements = [...][]string{
	PostgreSQL: {
		"{collation}", `"C"`, "{instant}", "TIMESTAMPTZ",
		"{now}", "clock_timestamp()", "{said}", "clock_timestamp() - $9::double precision * interval '1 second'", "{age}", "EXTRACT(EPOCH FROM clock_timestamp() - said_at)::double precision",
	},
	SQLite: {
		"{collation}", "BINARY", "{instant}", "REAL",
		"{now}", "(julianday('now') - 2440587.5) * 86400.0", "{said}", "(julianday('now') - 2440587.5) * 86400.0 - $9", "{age}", "(julianday('now') - 2440587.5) * 86400.0 - said_at",
	},
}

const schema = `CREATE TABLE IF NOT EXISTS {table} (
	kind     TEXT COLLATE {collation} NOT NULL,
	name     TEXT COLLATE {collation} NOT NULL,
	on_      BOOLEAN NOT NULL,
	code     TEXT NOT NULL,
	trace_id TEXT NOT NULL,
	reason   TEXT NOT NULL,
	advice   TEXT NOT NULL,
	said_by  TEXT NOT NULL,
	said_at  {instant} NOT NULL,
	PRIMARY KEY (kind, name)
)`

// put replaces an entry that is not younger, and one from the future: the clock was set
// back.
const put = `INSERT INTO {table} AS held (kind, name, on_, code, trace_id, reason, advice, said_by, said_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, {said})
ON CONFLICT (kind, name) DO UPDATE SET on_ = excluded.on_, said_at = excluded.said_at,
	code     = CASE WHEN held.on_ AND excluded.on_ THEN held.code ELSE excluded.code END,
	trace_id = CASE WHEN held.on_ AND excluded.on_ THEN held.trace_id ELSE excluded.trace_id END,
	reason   = CASE WHEN held.on_ AND excluded.on_ THEN held.reason ELSE excluded.reason END,
	advice   = CASE WHEN held.on_ AND excluded.on_ THEN held.advice ELSE excluded.advice END,
	said_by  = CASE WHEN held.on_ AND excluded.on_ THEN held.said_by ELSE excluded.said_by END
WHERE held.said_at <= excluded.said_at OR held.said_at > {now}`

const all = `SELECT kind, name, on_, code, trace_id, reason, advice, said_by, {age} FROM {table}`

// Put implements [switchboard.Store].
func (s *Store) Put(ctx context.Context, e switchboard.Entry, age time.Duration) error {
	err := retry(ctx, func() error {
		_, err := s.db.ExecContext(ctx, s.put, string(e.Kind), e.Name, e.On,
			e.Cause.Code, e.Cause.TraceID, e.Cause.Reason, e.Cause.Advice, e.Cause.By, age.Seconds())
		return err
	}, "40001", "40P01") // conflict with another Put, at isolation levels above "read committed"
	if err != nil {
		return fmt.Errorf("sqlboard: put: %w", err)
	}
	return nil
}

// All implements [switchboard.Store].
func (s *Store) All(ctx context.Context) ([]switchboard.Entry, error) {
	rows, err := s.db.QueryContext(ctx, s.all)
	if err != nil {
		return nil, fmt.Errorf("sqlboard: all: %w", err)
	}
	defer rows.Close()
	var all []switchboard.Entry
	for rows.Next() {
		var e switchboard.Entry
		var seconds float64
		if err := rows.Scan(&e.Kind, &e.Name, &e.On, &e.Cause.Code, &e.Cause.TraceID, &e.Cause.Reason, &e.Cause.Advice, &e.Cause.By, &seconds); err != nil {
			return nil, fmt.Errorf("sqlboard: all: %w", err)
		}
		e.Age = max(time.Duration(seconds*float64(time.Second)), 0)
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlboard: all: %w", err)
	}
	return all, nil
}

// Schema returns the statement that creates the table if it does not exist, for a
// migration file.
func (s *Store) Schema() string { return s.schema + ";\n" }

// Migrate creates the table if it does not exist. Several processes may call it at once.
func (s *Store) Migrate(ctx context.Context) error {
	err := retry(ctx, func() error {
		_, err := s.db.ExecContext(ctx, s.schema)
		return err
	}, "23505", "42P07", "42710") // unique_violation, in PostgreSQL's own tables; duplicate_table; duplicate_object
	if err != nil {
		return fmt.Errorf("sqlboard: migrate: %w", err)
	}
	return nil
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
