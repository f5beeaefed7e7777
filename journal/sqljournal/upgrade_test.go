package sqljournal_test

import (
	"database/sql"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/retry"
)

// earlier is the table as the version without first_at and takes_ns made it, with a
// row of its own.
var earlier = map[sqljournal.Dialect]string{
	sqljournal.PostgreSQL: strings.ReplaceAll(earlierTable, "BINARY", `"C"`),
	sqljournal.SQLite:     earlierTable,
}

const (
	earlierTable = `CREATE TABLE IF NOT EXISTS journal (
	id          TEXT COLLATE BINARY NOT NULL PRIMARY KEY,
	key_name    TEXT   NOT NULL,
	fingerprint TEXT   NOT NULL,
	owner       TEXT   NOT NULL,
	nonce       BIGINT NOT NULL,
	state       TEXT   NOT NULL CHECK (state IN ('open', 'applied', 'not applied')),
	generation  BIGINT NOT NULL CHECK (generation > 0),
	begun_at    TEXT   NOT NULL,
	trace_ids   TEXT   NOT NULL
);
CREATE INDEX IF NOT EXISTS journal_open ON journal (id) WHERE state = 'open';
`
	earlierInsert = `INSERT INTO journal (key_name, fingerprint, owner, nonce, state, generation, begun_at, trace_ids, id)
VALUES ('main', '', 'me', 7, 'open', 1, '2026-03-04T05:06:07.000000008Z', '[]', $1) ON CONFLICT (id) DO NOTHING`
)

// eachDialect runs a test with a database and a way to connect to it once more.
func eachDialect(t *testing.T, test func(t *testing.T, dialect sqljournal.Dialect, connect func() *sql.DB)) {
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, sqljournal.PostgreSQL, func() *sql.DB { return openPostgres(t) })
	})
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		path := t.TempDir() + "/db"
		test(t, sqljournal.SQLite, func() *sql.DB { return openSQLite(t, path) })
	})
}

// made makes a table of the earlier version, with the row p-1.
func made(t *testing.T, db *sql.DB, c sqljournal.Config) (insert string) {
	t.Helper()
	_, err := db.Exec(strings.ReplaceAll(earlier[c.Dialect], "journal", c.Table))
	require.NoError(t, err)
	insert = strings.ReplaceAll(earlierInsert, "journal", c.Table)
	_, err = db.Exec(insert, "p-1")
	require.NoError(t, err)
	return insert
}

// Many processes may migrate a table that others of the earlier version use.
func TestMigrateEarlierTable(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, dialect sqljournal.Dialect, connect func() *sql.DB) {
		c := sqljournal.Config{Table: newTable(), Dialect: dialect}
		insert := made(t, connect(), c)
		_, err := handle(t, connect(), c).Begin(t.Context(), sample("p-2"))
		require.Error(t, err, "not yet migrated")
		var done sync.WaitGroup
		for range 8 {
			j := handle(t, connect(), c)
			done.Go(func() {
				if err := j.Migrate(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		works(t, connect(), c)
		_, err = connect().Exec(insert, "p-3") // by a process of the earlier version
		require.NoError(t, err)
		held, err := read(handle(t, connect(), c), "p-3")
		require.NoError(t, err)
		require.True(t, held.First.IsZero())
	})
}

// works wants the row of the earlier version to be an entry like any other.
func works(t *testing.T, db *sql.DB, c sqljournal.Config) {
	t.Helper()
	j := handle(t, db, c)
	want := sample("p-1")
	want.Generation, want.First, want.Takes, want.TraceIDs = 1, time.Time{}, 0, []string{}
	held, err := read(j, "p-1")
	require.NoError(t, err)
	require.Equal(t, want, held)
	held.First, held.Takes = held.At, time.Minute
	want, err = j.Begin(t.Context(), held)
	require.NoError(t, err)
	require.Equal(t, int64(2), want.Generation)
	require.Equal(t, held.At, want.First)
	held, err = read(j, "p-1")
	require.NoError(t, err)
	require.Equal(t, want, held)
}

// The statements can be given to another tool as they are, also if one column is there.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, dialect sqljournal.Dialect, connect func() *sql.DB) {
		c := sqljournal.Config{Table: newTable(), Dialect: dialect}
		made(t, connect(), c)
		_, err := connect().Exec(handle(t, connect(), c).Upgrade())
		require.NoError(t, err)
		works(t, connect(), c)
		if dialect == sqljournal.PostgreSQL {
			_, err = connect().Exec(handle(t, connect(), c).Upgrade())
			require.NoError(t, err, "again")
		}

		c.Table = newTable()
		made(t, connect(), c)
		_, err = connect().Exec("ALTER TABLE " + c.Table + " ADD COLUMN first_at TEXT NOT NULL DEFAULT ''")
		require.NoError(t, err)
		require.NoError(t, handle(t, connect(), c).Migrate(t.Context()))
		works(t, connect(), c)
	})
}

// A table without ended_at goes on working, and knows the ends once it has it.
func TestTableWithoutEnds(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, dialect sqljournal.Dialect, connect func() *sql.DB) {
		db, c := connect(), sqljournal.Config{Table: newTable(), Dialect: dialect}
		j := migrated(t, db, c)
		_, err := db.Exec("ALTER TABLE " + c.Table + " DROP COLUMN ended_at")
		require.NoError(t, err)
		pay := func(id string) {
			e, err := j.Begin(t.Context(), sample(id))
			require.NoError(t, err)
			e.State = retry.EntryApplied
			for range 2 {
				require.NoError(t, j.End(t.Context(), e))
			}
			held, err := read(j, id)
			require.NoError(t, err)
			require.Equal(t, retry.EntryApplied, held.State)
		}
		j = handle(t, connect(), c)
		pay("p-1")
		for _, err := range j.Pending(t.Context()) {
			require.NoError(t, err)
		}
		_, err = j.Prune(t.Context(), time.Now().Add(-30*day))
		require.ErrorContains(t, err, "ended_at", "that alone cannot be")

		_, err = db.Exec(handle(t, db, c).Upgrade()[strings.LastIndex(handle(t, db, c).Upgrade(), "ALTER"):])
		require.NoError(t, err)
		pay("p-2")
		var dated int
		require.NoError(t, db.QueryRow("SELECT count(*) FROM "+c.Table+" WHERE ended_at <> ''").Scan(&dated))
		require.Equal(t, 1, dated, "that of the time before is not known")
		_, err = j.Prune(t.Context(), time.Now().Add(-30*day))
		require.NoError(t, err)
	})
}
