package sqllease_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/keylease"
	"github.com/nexpay-go/resilience/keylease/keyleasetest"
	"github.com/nexpay-go/resilience/keylease/sqllease"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := postgres.Stop(); err != nil {
		fmt.Println(err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

var tables atomic.Int64

func open(t testing.TB, db *sql.DB, dialect sqllease.Dialect) *sqllease.Store {
	s, err := sqllease.New(db, sqllease.Config{Table: fmt.Sprintf("lease_%d", tables.Add(1)), Dialect: dialect})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Migrate(t.Context()), "once more")
	return s
}

// openSQLite does not wait for the disk: these tests cut no power.
func openSQLite(t testing.TB) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "leases.db")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(OFF)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestKeepsTheRules(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		db := openSQLite(t)
		keyleasetest.Run(t, func() keylease.Store { return open(t, db, sqllease.SQLite) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		db := openPostgres(t)
		keyleasetest.Run(t, func() keylease.Store { return open(t, db, sqllease.PostgreSQL) })
	})
	if !long.Tests() {
		return
	}
	t.Run("PostgreSQL, serializable", func(t *testing.T) {
		t.Parallel()
		db := openPostgres(t, "default_transaction_isolation=serializable")
		keyleasetest.Run(t, func() keylease.Store { return open(t, db, sqllease.PostgreSQL) })
	})
}

func TestConfig(t *testing.T) {
	_, err := sqllease.New(nil, sqllease.Config{Table: "a; DROP", Dialect: 7})
	require.EqualError(t, err, "sqllease: the database is nil\nsqllease: Config.Table: \"a; DROP\" is not a valid table name\nsqllease: Config.Dialect: unknown Dialect(7)")
	s, err := sqllease.New(new(sql.DB), sqllease.Config{Table: "ops.leases"})
	require.NoError(t, err)
	require.Contains(t, s.Schema(), "CREATE TABLE IF NOT EXISTS ops.leases_owner (")
}

// While the database's clock was ten years ahead, a process took the key, and died. The clock is right again: neither the lease
// nor the process outlasts that.
func TestClockIsSetBack(t *testing.T) {
	for _, c := range []struct {
		dialect sqllease.Dialect
		db      func(*testing.T) *sql.DB
		future  string
	}{
		{sqllease.SQLite, func(t *testing.T) *sql.DB { return openSQLite(t) }, "until + 3e8"},
		{sqllease.PostgreSQL, func(t *testing.T) *sql.DB { return openPostgres(t) }, "until + interval '10 years'"},
	} {
		t.Run(c.dialect.String(), func(t *testing.T) {
			db := c.db(t)
			s, err := sqllease.New(db, sqllease.Config{Table: "set_back", Dialect: c.dialect})
			require.NoError(t, err)
			require.NoError(t, s.Migrate(t.Context()))
			round := keylease.Round{Owner: "a", Keys: []string{"main", "other"}, TTL: time.Hour}
			_, err = s.Round(t.Context(), round)
			require.NoError(t, err)
			round.Owner = "b"
			got, err := s.Round(t.Context(), round)
			require.NoError(t, err)
			require.Equal(t, keylease.Standing{Alive: 2}, got, "its lease holds")
			for _, table := range []string{"set_back", "set_back_owner"} {
				_, err = db.Exec("UPDATE " + table + " SET until = " + c.future + " WHERE owner = 'a'")
				require.NoError(t, err)
			}
			got, err = s.Round(t.Context(), round)
			require.NoError(t, err)
			require.Equal(t, keylease.Standing{Alive: 1, Records: []keylease.Record{{Key: "main", Epoch: 2}, {Key: "other", Epoch: 2}}}, got)
		})
	}
}
