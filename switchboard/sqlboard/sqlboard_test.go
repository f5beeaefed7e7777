package sqlboard_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

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

func TestKeepsTheRules(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "board.db")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)")
		require.NoError(t, err)
		defer db.Close()
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
