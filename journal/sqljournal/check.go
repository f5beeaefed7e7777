package sqljournal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nexpay-go/resilience/journal/internal/failure"
)

// ErrForgets means that the database may lose what it acknowledged, when a machine
// crashes or loses power. A payment that it loses is made twice.
var ErrForgets = failure.Plain("the database may lose what it acknowledged")

// Check checks whether what the database acknowledges is durable. If not, it returns
// an error that wraps [ErrForgets] and lists everything that is wrong. In PostgreSQL
// that is: fsync or synchronous_commit off, a server in recovery (a standby, which
// lags behind), a table that is UNLOGGED or TEMPORARY. In SQLite it is: a database in
// memory, and any journal_mode and synchronous other than WAL, TRUNCATE or PERSIST
// with FULL or EXTRA, or DELETE with EXTRA.
//
// Migrate calls Check, and so does the first Begin if nobody has. With
// Config.MustKeep, Begin fails until Check has returned nil once; otherwise the
// problem is logged as a warning, once. The first Begin after a lost connection calls
// Check again, because the next connection may lead to another server. Check may also
// be called as a health check; if it fails then, the next Begin calls it too.
//
// Check uses one connection of the pool: set the settings in the data source's name,
// for the role or on the server, where they apply to all connections. Check also
// warns, once and through slog.Default(), of an SQLite connection without
// busy_timeout: nothing is lost, but of two concurrent writes one fails.
func (j *Journal) Check(ctx context.Context) error {
	return j.described("check", j.check(ctx))
}

func (j *Journal) check(ctx context.Context) error {
	err := j.durable(ctx)
	if err == nil {
		err = j.durableTable(ctx)
	}
	if j.dialect == SQLite {
		j.warnOfHaste(ctx)
	}
	j.checked.Store(err == nil)
	return err
}

// ensure checks the database if nobody has.
func (j *Journal) ensure(ctx context.Context) error {
	if j.checked.Load() {
		return nil
	}
	return j.accept(j.check(ctx))
}

// accept returns the error of Check if it must be refused, and otherwise logs a
// warning.
func (j *Journal) accept(err error) error {
	if j.mustKeep || !errors.Is(err, ErrForgets) {
		return err
	}
	j.checked.Store(true)
	if !j.warned.Swap(true) {
		slog.Default().Warn("sqljournal: payments may be made twice after a crash", "table", j.table, "error", err.Error())
	}
	return nil
}

// warnOfHaste logs a warning about a connection that does not wait for a lock. The
// setting cannot be changed here, because the pool may open another connection for
// each statement.
func (j *Journal) warnOfHaste(ctx context.Context) {
	var milliseconds int
	err := j.db.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&milliseconds)
	if err == nil && milliseconds == 0 && !j.hasty.Swap(true) {
		slog.Default().Warn("sqljournal: busy_timeout is missing: calls fail while another one writes; set it in the data source's name", "table", j.table)
	}
}

// durable checks the database, which need not have the table yet.
func (j *Journal) durable(ctx context.Context) error {
	wrong, err := persist(ctx, j, j.dialect.wrong)
	if err != nil {
		return err
	}
	return forgets(wrong)
}

func (j *Journal) durableTable(ctx context.Context) error {
	if j.dialect != PostgreSQL {
		return nil
	}
	const query = `SELECT CAST(relpersistence AS text) FROM pg_class WHERE oid = CAST(CAST($1 AS text) AS regclass)`
	persistence, err := persist(ctx, j, func(ctx context.Context, conn *sql.Conn) (persistence string, err error) {
		err = conn.QueryRowContext(ctx, query, j.table).Scan(&persistence)
		return persistence, err
	})
	if err != nil {
		return err
	}
	switch persistence {
	case "u":
		return forgets([]string{"the table is UNLOGGED"})
	case "t":
		return forgets([]string{"the table is TEMPORARY"})
	}
	return nil
}

func forgets(wrong []string) error {
	if len(wrong) == 0 {
		return nil
	}
	return failure.Wrap(fmt.Sprintf("%v: %s", ErrForgets, strings.Join(wrong, "; ")), ErrForgets)
}

// wrong lists what makes a database of the dialect not durable.
func (d Dialect) wrong(ctx context.Context, conn *sql.Conn) ([]string, error) {
	if d == SQLite {
		return wrongInSQLite(ctx, conn)
	}
	return wrongInPostgreSQL(ctx, conn)
}

// Databases that are compatible with PostgreSQL may lack its settings.
const serverSettings = `SELECT coalesce(current_setting('fsync', true), 'on'), coalesce(current_setting('synchronous_commit', true), 'on'), pg_is_in_recovery()`

func wrongInPostgreSQL(ctx context.Context, conn *sql.Conn) (wrong []string, err error) {
	var fsync, commit string
	var recovery bool
	if err := conn.QueryRowContext(ctx, serverSettings).Scan(&fsync, &commit, &recovery); err != nil {
		return nil, err
	}
	if recovery {
		wrong = append(wrong, "the server is in recovery: it is a standby, not the primary")
	}
	if fsync == "off" {
		wrong = append(wrong, "fsync is off")
	}
	if commit == "off" {
		wrong = append(wrong, "synchronous_commit is off")
	}
	return wrong, nil
}

// What PRAGMA synchronous returns.
const (
	full  = 2
	extra = 3
)

// wrongInSQLite uses one connection, because the settings belong to a connection.
func wrongInSQLite(ctx context.Context, conn *sql.Conn) (wrong []string, err error) {
	var mode, file string
	var synchronous int
	for query, value := range map[string]any{
		"PRAGMA journal_mode": &mode,
		"PRAGMA synchronous":  &synchronous,
		"SELECT file FROM pragma_database_list WHERE name = 'main'": &file,
	} {
		if err := conn.QueryRowContext(ctx, query).Scan(value); err != nil {
			return nil, err
		}
	}
	mode = strings.ToUpper(mode)
	switch {
	case file == "":
		return []string{"the database is in memory, or is deleted when it is closed"}, nil
	case mode == "OFF" || mode == "MEMORY":
		wrong = append(wrong, "journal_mode is "+mode)
	case mode == "DELETE" && synchronous == full:
		// A transaction ends with the removal of the rollback journal, which only EXTRA
		// flushes: after a power failure the file may be back, and undo the transaction.
		wrong = append(wrong, "synchronous is FULL, but must be EXTRA with journal_mode DELETE; or use WAL")
	}
	if synchronous < full {
		wrong = append(wrong, "synchronous is "+[]string{"OFF", "NORMAL"}[max(synchronous, 0)])
	}
	return wrong, nil
}
