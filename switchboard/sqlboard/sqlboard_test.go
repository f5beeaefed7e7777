package sqlboard_test

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

	"github.com/nexpay-go/resilience/switchboard"
	"github.com/nexpay-go/resilience/switchboard/sqlboard"
	"github.com/nexpay-go/resilience/switchboard/switchboardtest"
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

func open(t testing.TB, db *sql.DB, dialect sqlboard.Dialect) *sqlboard.Store {
	s, err := sqlboard.New(db, sqlboard.Config{Table: fmt.Sprintf("board_%d", tables.Add(1)), Dialect: dialect})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Migrate(t.Context()), "once more")
	return s
}

func openSQLite(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "board.db")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestKeepsTheRules(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		db := openSQLite(t)
		switchboardtest.Run(t, func() switchboard.Store { return open(t, db, sqlboard.SQLite) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		db := openPostgres(t)
		switchboardtest.Run(t, func() switchboard.Store { return open(t, db, sqlboard.PostgreSQL) })
	})
	t.Run("PostgreSQL, serializable", func(t *testing.T) {
		db := openPostgres(t, "default_transaction_isolation=serializable")
		switchboardtest.Run(t, func() switchboard.Store { return open(t, db, sqlboard.PostgreSQL) })
	})
}

func TestConfig(t *testing.T) {
	_, err := sqlboard.New(nil, sqlboard.Config{Table: "a; DROP", Dialect: 7})
	require.EqualError(t, err, "sqlboard: the database is nil\nsqlboard: Config.Table: \"a; DROP\" is not a valid table name\nsqlboard: Config.Dialect: unknown Dialect(7)")
	s, err := sqlboard.New(new(sql.DB), sqlboard.Config{Table: "ops.board"})
	require.NoError(t, err)
	require.Contains(t, s.Schema(), "CREATE TABLE IF NOT EXISTS ops.board (")
}

// While the database's clock was ahead, a person locked a key. It is right again, and the lock is from the future: it must not
// outlast what is said now, by years maybe.
func TestClockIsSetBack(t *testing.T) {
	for _, c := range []struct {
		dialect sqlboard.Dialect
		db      func(*testing.T) *sql.DB
		future  string
	}{
		{sqlboard.SQLite, openSQLite, "said_at + 3e8"},
		{sqlboard.PostgreSQL, func(t *testing.T) *sql.DB { return openPostgres(t) }, "said_at + interval '10 years'"},
	} {
		t.Run(c.dialect.String(), func(t *testing.T) {
			db := c.db(t)
			s := open(t, db, c.dialect)
			e := switchboard.Entry{Kind: switchboard.Key, Name: "main", On: true}
			require.NoError(t, s.Put(t.Context(), e, 0))
			_, err := db.Exec(fmt.Sprintf("UPDATE board_%d SET said_at = %s", tables.Load(), c.future))
			require.NoError(t, err)
			e.On = false
			require.NoError(t, s.Put(t.Context(), e, time.Minute))
			all, err := s.All(t.Context())
			require.NoError(t, err)
			require.False(t, all[0].On)
			require.InDelta(t, time.Minute, all[0].Age, float64(30*time.Second))
			e.On = true
			require.NoError(t, s.Put(t.Context(), e, time.Hour), "older than what is stored, which is right again")
			all, err = s.All(t.Context())
			require.NoError(t, err)
			require.False(t, all[0].On)
		})
	}
}
