package sqljournal_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// locked keeps writers out of a table until free is called. Readers go on.
func locked(t *testing.T, db *sql.DB, table string) (free func()) {
	t.Helper()
	tx, err := db.BeginTx(context.Background(), nil)
	require.NoError(t, err)
	_, err = tx.Exec("LOCK TABLE " + table + " IN SHARE MODE")
	require.NoError(t, err)
	free = sync.OnceFunc(func() { _ = tx.Rollback() })
	t.Cleanup(free)
	return free
}

// awaitWaiting returns when that many statements wait for a lock of the table, or for
// a transaction that has changed its row.
func awaitWaiting(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	awaitWaitingAs(t, db, t.Name(), n)
}

func awaitWaitingAs(t *testing.T, db *sql.DB, application string, n int) {
	t.Helper()
	for range 100_000 {
		var waiting int
		require.NoError(t, db.QueryRow(`SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN
			(SELECT pid FROM pg_stat_activity WHERE application_name = $1)`, application).Scan(&waiting))
		if waiting >= n {
			return
		}
	}
	require.FailNow(t, "no statement waits")
}
