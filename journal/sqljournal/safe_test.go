package sqljournal_test

import (
	"context"
	"database/sql"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/sqljournal"
)

// safe is what package retry prints of an error.
func safe(t *testing.T, err error) string {
	t.Helper()
	var e interface{ SafeError() string }
	require.ErrorAs(t, err, &e)
	return e.SafeError()
}

// soon is a context for what is repeated until it ends.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestSafeTextsOfPostgreSQL(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	_, err := handle(t, db, sqljournal.Config{Table: "no_such_table"}).Begin(t.Context(), sample("secret"))
	require.Equal(t, "sqljournal: begin: SQLSTATE 42P01 (undefined table: has Migrate or Schema been run?)", safe(t, err))

	c := sqljournal.Config{Table: newTable()}
	j := migrated(t, db, c)
	_, err = j.Begin(t.Context(), sample("p-1"))
	require.NoError(t, err)
	_, err = db.Exec("ALTER TABLE " + c.Table + " ADD CHECK (fingerprint <> 'secret')")
	require.NoError(t, err)
	e := sample("p-2")
	e.Fingerprint = "secret"
	_, err = j.Begin(t.Context(), e)
	require.Equal(t, "sqljournal: begin: SQLSTATE 23514 (integrity constraint violation)", safe(t, err))

	_, err = db.Exec("UPDATE " + c.Table + " SET begun_at = 'secret'")
	require.NoError(t, err)
	_, err = read(j, "p-1")
	require.ErrorContains(t, err, "secret")
	require.Equal(t, "sqljournal: begin: a row has an invalid begun_at", safe(t, err))

	_, err = handle(t, openPostgres(t, "user=secret"), c).Begin(t.Context(), e)
	require.ErrorContains(t, err, "secret")
	require.Equal(t, "sqljournal: begin: SQLSTATE 28000 (invalid authorization)", safe(t, err))
	_, err = handle(t, openPostgres(t, "default_transaction_read_only=on"), c).Begin(soon(t), sample("p-3"))
	require.Equal(t, "sqljournal: begin: context deadline exceeded; SQLSTATE 25006 (read-only transaction: is this a standby?)", safe(t, err))
}

func TestSafeTextsOfConnections(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	_, port, err := net.SplitHostPort(closed.Addr().String())
	require.NoError(t, err)
	db, err := sql.Open("pgx", "host=127.0.0.1 port="+port+" user=secret dbname=secret password=secret sslmode=disable")
	require.NoError(t, err)
	j := handle(t, db, sqljournal.Config{})
	_, err = j.Begin(soon(t), sample("p-1"))
	require.ErrorContains(t, err, "secret")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, "sqljournal: begin: context deadline exceeded; dial: connect: connection refused", safe(t, err))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = j.Begin(ended, sample("p-1"))
	require.Equal(t, "sqljournal: begin: context canceled", safe(t, err))
	require.NoError(t, db.Close())
	_, err = j.Begin(t.Context(), sample("p-1"))
	require.Equal(t, "sqljournal: begin: sql: database is closed", safe(t, err))
}

func TestSafeTextsOfSQLite(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/db"
	db := openSQLite(t, path)
	c := sqljournal.Config{Dialect: sqljournal.SQLite}
	_, err := handle(t, db, c).Begin(t.Context(), sample("secret"))
	require.Equal(t, "sqljournal: begin: an error in the statement, or no such table: has Migrate been run? (SQLITE_ERROR)", safe(t, err))
	j := migrated(t, db, c)

	other, err := sql.Open("sqlite", file(path))
	require.NoError(t, err)
	defer other.Close()
	tx, err := other.Begin()
	require.NoError(t, err)
	defer tx.Rollback()
	_, err = tx.Exec("UPDATE payment_journal SET owner = 'x'")
	require.NoError(t, err)
	_, err = db.Exec("PRAGMA busy_timeout = 1") // on the connection that is there
	require.NoError(t, err)
	_, err = j.Begin(t.Context(), sample("secret"))
	require.Equal(t, "sqljournal: begin: the database is locked (SQLITE_BUSY)", safe(t, err))
}
