package sqljournal_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/retry"
)

// openHasty opens a database that does not wait for locks unless the DSN says so.
func openHasty(t *testing.T, path, more string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", file(path)+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+more)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.PingContext(t.Context()))
	return db
}

// hold locks the database for writing until free.
func hold(t *testing.T, db *sql.DB) (free func()) {
	t.Helper()
	tx, err := db.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("UPDATE payment_journal SET owner = owner")
	require.NoError(t, err)
	return sync.OnceFunc(func() { require.NoError(t, tx.Rollback()) })
}

// A database that is locked is named: by what a payment fails with before anything is
// sent, and in the log after it.
func TestLockedDatabaseIsNamedInTheLog(t *testing.T) {
	t.Parallel()
	const locked = "the database is locked (SQLITE_BUSY)"
	path := filepath.Join(t.TempDir(), "db")
	db, other := openHasty(t, path, ""), openHasty(t, path, "")
	j := migrated(t, db, sqljournal.Config{Dialect: sqljournal.SQLite})
	var log bytes.Buffer
	r, err := retry.New(retry.Config{Journal: j, OnEvent: retry.LogEvents(slog.New(slog.NewTextHandler(&log, nil)))})
	require.NoError(t, err)
	sent := 0
	pay := func(send func()) error {
		_, err := retry.DoOnce(t.Context(), r, retry.Operation[string]{
			ID: "secret", Settle: time.Millisecond,
			Send: func(context.Context) (string, error) {
				sent++
				send()
				return "ok", nil
			},
			Verify: func(context.Context) (string, retry.Outcome, error) {
				return "", retry.Undecided, errors.New("not now")
			},
		})
		return err
	}

	free := hold(t, other)
	defer free()
	err = pay(func() {})
	require.Error(t, err)
	require.Zero(t, sent)
	require.ErrorContains(t, err, locked)
	require.Contains(t, log.String(), locked)
	free()

	log.Reset()
	free = func() {}
	require.NoError(t, pay(func() { free = hold(t, other) }), "it was made, whatever becomes of the journal")
	defer free()
	require.Equal(t, 1, sent)
	require.Contains(t, log.String(), locked)
	require.Contains(t, log.String(), "level=ERROR")
}

// Without a time-out calls at the same time fail; who has none is told, once.
func TestMissingBusyTimeoutIsWarnedOf(t *testing.T) {
	const missing = "busy_timeout is missing"
	var log bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(old) })
	for more, warnings := range map[string]int{"": 1, "&_pragma=busy_timeout(0)": 1, "&_pragma=busy_timeout(5000)": 0} {
		log.Reset()
		j := strict(t, openHasty(t, filepath.Join(t.TempDir(), "db"), more), sqljournal.Config{Dialect: sqljournal.SQLite})
		require.NoError(t, j.Migrate(t.Context()), "nothing is lost by that")
		_, err := j.Begin(t.Context(), sample("p-1"))
		require.NoError(t, err)
		require.NoError(t, j.Check(t.Context()))
		require.Equal(t, warnings, strings.Count(log.String(), missing), "%s: %s", more, log.String())
	}
}

type (
	likeModernc struct{ code int }
	likeNcruces struct{ code uint8 }
	likeMattn   struct{ Code, ExtendedCode number }
	number      int
	ncrucesCode uint8
)

func (likeModernc) Error() string        { return "secret" }
func (e likeModernc) Code() int          { return e.code }
func (*likeNcruces) Error() string       { return "secret" }
func (e *likeNcruces) Code() ncrucesCode { return ncrucesCode(e.code) }
func (likeMattn) Error() string          { return "secret" }

type oddCode struct{ Code string }

func (oddCode) Error() string { return "secret" }

// Each driver says in a way of its own that the database is locked.
func TestSafeTextsOfDriversForSQLite(t *testing.T) {
	t.Parallel()
	const locked = "sqljournal: check: the database is locked (SQLITE_BUSY)"
	for _, row := range []struct {
		err  error
		want string
	}{
		{likeModernc{5}, locked},
		{likeModernc{5 | 2<<8}, locked}, // SQLITE_BUSY_SNAPSHOT
		{&likeNcruces{5}, locked},
		{likeMattn{Code: 5}, locked},
		{&likeMattn{Code: 5}, locked},
		{likeMattn{Code: 99}, "sqljournal: check: SQLite result code 99"},
		{(*likeNcruces)(nil), "sqljournal: check: *sqljournal_test.likeNcruces"},
		{oddCode{"secret"}, "sqljournal: check: sqljournal_test.oddCode"},
	} {
		db := sql.OpenDB(failing{row.err})
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		require.Equal(t, row.want, safe(t, handle(t, db, sqljournal.Config{Dialect: sqljournal.SQLite}).Check(t.Context())))
	}
}

// failing is a driver that connects to nothing.
type failing struct{ err error }

func (f failing) Connect(context.Context) (driver.Conn, error) { return nil, f.err }
func (f failing) Driver() driver.Driver                        { return nil }
