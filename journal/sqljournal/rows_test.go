package sqljournal_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/sqljournal"
)

// filled makes a journal of so many rows, 100 of them open and each of the others begun
// and ended 40 days ago, as a year's payments are: with what the database keeps of the
// time when they were open, until it cleans up.
func filled(t testing.TB, db *sql.DB, c sqljournal.Config, rows int) *sqljournal.Journal {
	t.Helper()
	j := migrated(t, db, c)
	aged(t, db, c, "p-", "open", 40, 40)
	for _, text := range []string{
		fmt.Sprintf(`INSERT INTO journal SELECT 'p-' || ((CAST(n AS BIGINT) * 7919) %% %[1]d), key_name, fingerprint, owner, n, state, generation,
			begun_at, trace_ids, first_at, takes_ns, ended_at FROM journal,
			(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %[1]d - 1) SELECT n FROM s) AS numbers WHERE id = 'p-'`, rows),
		fmt.Sprintf(`UPDATE journal SET state = 'applied' WHERE nonce %% %d <> 5`, rows/100),
	} {
		_, err := db.Exec(strings.ReplaceAll(text, "journal", c.Table))
		require.NoError(t, err)
	}
	return j
}

// Pending finds what is open without looking at what is not, also in a table that
// nobody has analyzed or vacuumed.
func TestPendingLooksAtNothingElse(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, dialect sqljournal.Dialect, connect func() *sql.DB) {
		db, c := connect(), sqljournal.Config{Table: newTable(), Dialect: dialect}
		filled(t, db, c, 10_000)
		explain := map[sqljournal.Dialect]string{sqljournal.PostgreSQL: "EXPLAIN ", sqljournal.SQLite: "EXPLAIN QUERY PLAN "}[dialect]
		rows, err := db.Query(explain + "SELECT owner, id FROM " + c.Table + " WHERE state = 'open' AND id > '' ORDER BY id LIMIT 1")
		require.NoError(t, err)
		defer rows.Close()
		columns, err := rows.Columns()
		require.NoError(t, err)
		var plan string
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(string)
			}
			require.NoError(t, rows.Scan(values...))
			plan += *values[len(values)-1].(*string) + "\n"
		}
		require.NoError(t, rows.Err())
		require.Contains(t, strings.ToLower(plan), strings.ToLower(c.Table)+"_open")
		require.NotContains(t, plan, "Sort")
	})
}

func connectTo(t testing.TB, dialect sqljournal.Dialect) *sql.DB {
	t.Helper()
	if dialect == sqljournal.SQLite {
		return newSQLite(t)
	}
	return openPostgres(t)
}

func BenchmarkPending(b *testing.B) {
	for _, dialect := range []sqljournal.Dialect{sqljournal.PostgreSQL, sqljournal.SQLite} {
		for _, rows := range []int{1000, 1_000_000} {
			b.Run(fmt.Sprint(dialect, "/", rows), func(b *testing.B) {
				j := filled(b, connectTo(b, dialect), sqljournal.Config{Table: newTable(), Dialect: dialect}, rows)
				list := func() (n int) {
					for _, err := range j.Pending(b.Context()) {
						require.NoError(b, err)
						n++
					}
					return n
				}
				began := time.Now() // it meets what a vacuum would have cleaned up, and marks it
				require.Equal(b, 100, list())
				first := time.Since(began)
				for b.Loop() {
					list()
				}
				b.ReportMetric(float64(first.Microseconds())/1000, "ms/first")
			})
		}
	}
}

func BenchmarkPrune(b *testing.B) {
	const rows = 1_000_000
	for _, dialect := range []sqljournal.Dialect{sqljournal.PostgreSQL, sqljournal.SQLite} {
		b.Run(dialect.String(), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				j := filled(b, connectTo(b, dialect), sqljournal.Config{Table: newTable(), Dialect: dialect}, rows)
				b.StartTimer()
				n, err := j.Prune(b.Context(), time.Now().Add(-30*day))
				require.NoError(b, err)
				require.Equal(b, int64(rows-100), n)
			}
		})
	}
}
