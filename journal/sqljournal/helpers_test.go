package sqljournal_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/retry"
)

// file is the URI of a path. Those of subtests without a name have a # in them.
func file(path string) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}

// openSQLite does not wait for the disk: these tests cut no power.
func openSQLite(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", file(path)+"?_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.PingContext(t.Context())) // one that changes to a WAL does not wait for others
	return db
}

func newSQLite(t testing.TB) *sql.DB {
	t.Helper()
	return openSQLite(t, filepath.Join(t.TempDir(), "db"))
}

var tables atomic.Int64

// newTable is a name that no other test has.
func newTable() string { return fmt.Sprint("Journal_", tables.Add(1)) }

func migrated(t testing.TB, db *sql.DB, c sqljournal.Config) *sqljournal.Journal {
	t.Helper()
	j := handle(t, db, c)
	require.NoError(t, j.Migrate(context.Background()))
	return j
}

// handle makes a journal in a database that forgets: no test cuts the power.
func handle(t testing.TB, db *sql.DB, c sqljournal.Config) *sqljournal.Journal {
	t.Helper()
	j, err := sqljournal.New(db, c)
	require.NoError(t, err)
	return j
}

func sample(id string) retry.Entry {
	return retry.Entry{ID: id, Key: "main", Owner: "me", Nonce: 7, State: retry.EntryOpen, At: time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC),
		First: time.Date(2026, 3, 3, 4, 5, 6, 7, time.UTC), Takes: 35 * time.Second}
}

func read(j retry.Journal, id string) (retry.Entry, error) {
	return j.Begin(context.Background(), retry.Entry{ID: id, Generation: retry.ReadGeneration})
}
