package sqljournal_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/servertest"
	"github.com/nexpay-go/resilience/journal/sqljournal"
)

// strict is a journal that refuses a database that forgets.
func strict(t *testing.T, db *sql.DB, c sqljournal.Config) *sqljournal.Journal {
	t.Helper()
	c.MustKeep = true
	return handle(t, db, c)
}

// A database that forgets is used all the same where nobody said otherwise, and
// warned of once.
func TestForgetfulDatabaseIsWarnedOf(t *testing.T) {
	var log bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(old) })
	j := handle(t, newSQLite(t), sqljournal.Config{Dialect: sqljournal.SQLite})
	require.NoError(t, j.Migrate(t.Context()))
	_, err := j.Begin(t.Context(), sample("p-1"))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(log.String(), "payments may be made twice after a crash"))
	require.Contains(t, log.String(), "synchronous is OFF")
	require.ErrorIs(t, j.Check(t.Context()), sqljournal.ErrForgets)
}

// refuses wants all that begins something to be refused, at a start or without one.
func refuses(t *testing.T, db *sql.DB, c sqljournal.Config, why string) {
	t.Helper()
	err := strict(t, db, c).Check(t.Context())
	require.ErrorIs(t, err, sqljournal.ErrForgets)
	require.EqualError(t, err, "sqljournal: check: the database may lose what it acknowledged: "+why)
	require.Equal(t, err.Error(), safe(t, err))
	require.ErrorIs(t, strict(t, db, c).Migrate(t.Context()), sqljournal.ErrForgets)
	j := strict(t, db, c)
	for range 2 {
		_, err = j.Begin(t.Context(), sample("p-1"))
		require.ErrorIs(t, err, sqljournal.ErrForgets)
	}
}

func accepts(t *testing.T, db *sql.DB, c sqljournal.Config) {
	t.Helper()
	require.NoError(t, strict(t, db, c).Migrate(t.Context()))
	j := strict(t, db, c)
	held, err := j.Begin(t.Context(), sample("p-1"))
	require.NoError(t, err)
	require.Equal(t, int64(1), held.Generation)
	require.NoError(t, j.Check(t.Context()))
}

func TestCheckSQLite(t *testing.T) {
	t.Parallel()
	for pragmas, why := range map[string]string{
		"": "synchronous is FULL, but must be EXTRA with journal_mode DELETE; or use WAL", // SQLite's own choice

		"journal_mode(WAL)":                       "",
		"synchronous(EXTRA)":                      "",
		"journal_mode(TRUNCATE)":                  "",
		"journal_mode(PERSIST)":                   "",
		"synchronous(OFF)":                        "synchronous is OFF",
		"synchronous(NORMAL)":                     "synchronous is NORMAL",
		"journal_mode(MEMORY)":                    "journal_mode is MEMORY",
		"journal_mode(OFF)":                       "journal_mode is OFF",
		"journal_mode(WAL) synchronous(OFF)":      "synchronous is OFF",
		"journal_mode(WAL) synchronous(NORMAL)":   "synchronous is NORMAL",
		"journal_mode(OFF) synchronous(OFF)":      "journal_mode is OFF; synchronous is OFF",
		"journal_mode(MEMORY) synchronous(EXTRA)": "journal_mode is MEMORY",
	} {
		t.Run(pragmas, func(t *testing.T) {
			t.Parallel()
			dsn := file(filepath.Join(t.TempDir(), "db")) + "?_pragma=busy_timeout(20000)"
			for _, pragma := range strings.Fields(pragmas) {
				dsn += "&_pragma=" + pragma
			}
			checkSQLite(t, dsn, why)
		})
	}
	for _, dsn := range []string{":memory:", ""} {
		checkSQLite(t, dsn, "the database is in memory, or is deleted when it is closed")
	}
}

func checkSQLite(t *testing.T, dsn, why string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxOpenConns(1) // in memory each is a database of its own; and none is left open
	c := sqljournal.Config{Dialect: sqljournal.SQLite}
	if why == "" {
		accepts(t, db, c)
		return
	}
	refuses(t, db, c, why)
	j := handle(t, db, c) // may forget, says its Check all the same
	require.ErrorIs(t, j.Check(t.Context()), sqljournal.ErrForgets)
	require.NoError(t, j.Migrate(t.Context()))
	_, err = j.Begin(t.Context(), sample("p-1"))
	require.NoError(t, err)
}

// One server is in all states, one after another.
func TestCheckPostgreSQL(t *testing.T) {
	t.Parallel()
	c := sqljournal.Config{Table: newTable()}
	refuses(t, openPostgres(t), c, "fsync is off")
	refuses(t, openPostgres(t, "synchronous_commit=off"), c, "fsync is off; synchronous_commit is off")

	other := servertest.NewStandby()
	t.Cleanup(func() { require.NoError(t, other.Stop()) })
	db := openServer(t, other)
	refuses(t, db, c, "the server is in recovery: it is a standby, not the primary")
	_, err := db.Exec("SELECT pg_promote()")
	require.NoError(t, err)
	for _, commit := range []string{"on", "local", "remote_apply"} {
		accepts(t, openServer(t, other, "synchronous_commit="+commit), sqljournal.Config{Table: newTable()})
	}
	refuses(t, openServer(t, other, "synchronous_commit=off"), c, "synchronous_commit is off")

	accepts(t, db, c)
	_, err = db.Exec("ALTER TABLE " + c.Table + " SET UNLOGGED")
	require.NoError(t, err)
	refuses(t, db, c, "the table is UNLOGGED")
}

// A Check that fails later stops what is begun, until one passes.
func TestCheckedAgain(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", file(filepath.Join(t.TempDir(), "db"))+"?_pragma=journal_mode(WAL)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxOpenConns(1)
	j := strict(t, db, sqljournal.Config{Dialect: sqljournal.SQLite})
	require.NoError(t, j.Migrate(t.Context()))
	for setting, ok := range map[string]bool{"OFF": false, "FULL": true} {
		_, err := db.Exec("PRAGMA synchronous=" + setting)
		require.NoError(t, err)
		require.Equal(t, ok, j.Check(t.Context()) == nil)
		_, err = j.Begin(t.Context(), sample("p-"+setting))
		require.Equal(t, ok, err == nil, "%v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, j.Check(ended), context.Canceled)
	_, err = db.Exec("PRAGMA synchronous=FULL")
	require.NoError(t, err)
	_, err = j.Begin(t.Context(), sample("p-2"))
	require.NoError(t, err, "it checks again by itself")
}
