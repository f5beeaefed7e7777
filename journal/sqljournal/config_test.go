package sqljournal_test

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/sqljournal"
)

func TestConfigChecked(t *testing.T) {
	t.Parallel()
	_, err := sqljournal.New(nil, sqljournal.Config{Table: "a b", Dialect: 7})
	require.EqualError(t, err, "sqljournal: db is nil\n\"a b\" is not a valid table name\nunknown dialect Dialect(7)")
}

func TestTableNames(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	for _, name := range []string{"", "a", "_a", "Payments2", "public.journal", strings.Repeat("a", 58), strings.Repeat("s", 63) + ".a"} {
		_, err := sqljournal.New(db, sqljournal.Config{Table: name})
		require.NoError(t, err, name)
	}
	for _, name := range []string{
		"a;", "a; DROP TABLE b", "a--", "a b", " a", "a\n", "a'", `"a"`, "a(", "1a", ".a", "a.", "a.b.c", "ä", "a\x00", "a-b", "`a`", "$1",
		strings.Repeat("a", 59), strings.Repeat("s", 64) + ".a", strings.Repeat("a", 10_000),
	} {
		_, err := sqljournal.New(db, sqljournal.Config{Table: name})
		require.ErrorContains(t, err, "is not a valid table name", name)
		require.Less(t, len(err.Error()), 300)
	}
}

// A schema may come before the name, and many processes may migrate at once.
func TestMigrate(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, dialect sqljournal.Dialect, connect func() *sql.DB) {
		c := sqljournal.Config{Table: strings.ToLower(newTable()), Dialect: dialect}
		if dialect == sqljournal.PostgreSQL {
			_, err := connect().Exec("CREATE SCHEMA IF NOT EXISTS shop")
			require.NoError(t, err)
			c.Table = "shop." + c.Table
		}
		var done sync.WaitGroup
		for range 8 {
			j := handle(t, connect(), c)
			done.Go(func() {
				if err := j.Migrate(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		_, err := handle(t, connect(), c).Begin(t.Context(), sample("p-1"))
		require.NoError(t, err)
	})
}

// The schema can be given to another tool as it is.
func TestSchema(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, dialect sqljournal.Dialect, connect func() *sql.DB) {
		db, c := connect(), sqljournal.Config{Table: newTable(), Dialect: dialect}
		j := handle(t, db, c)
		for range 2 {
			_, err := db.Exec(j.Schema())
			require.NoError(t, err)
		}
		_, err := j.Begin(t.Context(), sample("p-1"))
		require.NoError(t, err)
		require.NoError(t, j.Migrate(t.Context()))
		if dialect == sqljournal.PostgreSQL {
			var plan string
			require.NoError(t, db.QueryRow("SELECT indexdef FROM pg_indexes WHERE indexname = lower($1)", c.Table+"_open").Scan(&plan))
			require.Contains(t, plan, "WHERE (state = 'open'::text)")
		}
	})
}
