package sqljournal_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/journaltest"
)

// store is a journal in a new table of the database that connect connects to.
func store(t *testing.T, dialect sqljournal.Dialect, connect func() *sql.DB) journaltest.Store {
	t.Helper()
	c := sqljournal.Config{Table: newTable(), Dialect: dialect}
	again := func() (retry.Journal, error) { return handle(t, connect(), c), nil }
	return journaltest.Store{Journal: migrated(t, connect(), c), Beside: again, Reopen: again}
}

// reused keeps databases open from one store to the next: each connection is a process of
// the server, and to start it takes longer than most tests. What it returns begins with
// the first of them again.
func reused(open func() *sql.DB) func() (connect func() *sql.DB) {
	var all []*sql.DB
	return func() func() *sql.DB {
		next := 0
		return func() *sql.DB {
			if next == len(all) {
				all = append(all, open())
			}
			next++
			return all[next-1]
		}
	}
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	postgres.DSN(t) // skips all of it at once
	levels := []string{"read committed"}
	if long.Tests() {
		levels = append(levels, "serializable")
	}
	for _, level := range levels {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			open := reused(func() *sql.DB { return openPostgres(t, "default_transaction_isolation='"+level+"'") })
			journaltest.Run(t, func(t *testing.T) journaltest.Store { return store(t, sqljournal.PostgreSQL, open()) })
		})
	}
}

// A driver may execute a statement twice, and tell what the second one came to.
func TestDriverThatRepeats(t *testing.T) {
	t.Parallel()
	postgres.DSN(t)
	open := reused(func() *sql.DB { return openTwice(t) })
	journaltest.Run(t, func(t *testing.T) journaltest.Store { return store(t, sqljournal.PostgreSQL, open()) })
}

func TestLibPQ(t *testing.T) {
	t.Parallel()
	postgres.DSN(t)
	open := reused(func() *sql.DB {
		db, err := sql.Open("postgres", postgres.DSN(t))
		require.NoError(t, err)
		db.SetMaxIdleConns(8)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		return db
	})
	journaltest.Run(t, func(t *testing.T) journaltest.Store { return store(t, sqljournal.PostgreSQL, open()) })
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(t *testing.T) journaltest.Store {
		path := filepath.Join(t.TempDir(), "db")
		return store(t, sqljournal.SQLite, func() *sql.DB { return openSQLite(t, path) })
	})
}

// With one connection, whatever holds on to it keeps all others out.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	for dialect, connect := range map[sqljournal.Dialect]func(testing.TB) *sql.DB{
		sqljournal.PostgreSQL: func(t testing.TB) *sql.DB { return openPostgres(t) },
		sqljournal.SQLite:     newSQLite,
	} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			db := connect(t)
			db.SetMaxOpenConns(1)
			journaltest.Run(t, func(t *testing.T) journaltest.Store {
				return journaltest.Store{Journal: migrated(t, db, sqljournal.Config{Table: newTable(), Dialect: dialect})}
			})
		})
	}
}

// What the table holds can be read by a person, and sorted and compared in SQL.
func TestRow(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	c := sqljournal.Config{Table: newTable()}
	e := sample("invoice 1")
	e.Nonce, e.TraceIDs = 1<<63+5, []string{"t-1", "t-2\x00\xff"}
	held, err := migrated(t, db, c).Begin(t.Context(), e)
	require.NoError(t, err)
	e.Generation, e.TraceIDs = 1, []string{"t-1", "t-2\x00\ufffd"}
	require.Equal(t, e, held, "to the nanosecond")
	var id, key, state, traces string
	var begun sql.NullTime
	var nonce string
	require.NoError(t, db.QueryRow(`SELECT id, key_name, state, trace_ids, begun_at::timestamptz, nonce + 18446744073709551616 FROM `+c.Table+
		` WHERE begun_at BETWEEN '2026-03-04' AND '2026-03-05'`).Scan(&id, &key, &state, &traces, &begun, &nonce))
	require.Equal(t, []string{"invoice 1", "main", "open", `["t-1","t-2\u0000\ufffd"]`, "9223372036854775813"}, []string{id, key, state, traces, nonce})
	require.Equal(t, int64(1772600767), begun.Time.Unix())
}

// What the database says of an error is there for who knows the driver.
func TestErrors(t *testing.T) {
	t.Parallel()
	j := handle(t, openPostgres(t), sqljournal.Config{Table: "no_such_table"})
	_, err := j.Begin(t.Context(), sample("p-1"))
	require.ErrorContains(t, err, "sqljournal: begin: ")
	var state interface{ SQLState() string }
	require.ErrorAs(t, err, &state)
	require.Equal(t, "42P01", state.SQLState())
	require.ErrorContains(t, j.End(t.Context(), sample("p-1")), "sqljournal: end: ")
	for _, err := range j.Pending(t.Context()) {
		require.ErrorContains(t, err, "sqljournal: pending: ")
	}
}

// Everything wrong is told at once, without the texts themselves.
func TestRefused(t *testing.T) {
	t.Parallel()
	j := migrated(t, newSQLite(t), sqljournal.Config{Dialect: sqljournal.SQLite})
	_, err := j.Begin(t.Context(), retry.Entry{Key: "a\x00", Owner: "\xff"})
	require.ErrorContains(t, err, "sqljournal: begin: no ID")
	require.ErrorContains(t, err, "Key is not UTF-8 text without NUL")
	require.ErrorContains(t, err, "Owner is not UTF-8 text")
	require.ErrorContains(t, err, `unknown state "EntryState(0)"`)
	require.NotContains(t, err.Error(), "\xff")
}

// A row that somebody else wrote, and that is no entry, spoils its own operation
// alone.
func TestForeignRow(t *testing.T) {
	t.Parallel()
	for column, value := range map[string]string{"begun_at": "yesterday", "trace_ids": "{}"} {
		db := newSQLite(t)
		j := migrated(t, db, sqljournal.Config{Dialect: sqljournal.SQLite})
		for _, id := range []string{"p-1", "p-2"} {
			_, err := j.Begin(t.Context(), sample(id))
			require.NoError(t, err)
		}
		_, err := db.Exec("UPDATE payment_journal SET "+column+" = $1 WHERE id = 'p-1'", value)
		require.NoError(t, err)
		_, err = read(j, "p-1")
		require.ErrorContains(t, err, `the row of "p-1": `+column)
		_, err = read(j, "p-2")
		require.NoError(t, err)
	}
}
