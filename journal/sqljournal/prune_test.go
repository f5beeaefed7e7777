package sqljournal_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/retry"
)

const day = 24 * time.Hour

// aged stores an operation that began and ended so many days ago; below 0 days its end
// is not known.
func aged(t testing.TB, db *sql.DB, c sqljournal.Config, id, state string, began, ended int) {
	t.Helper()
	ago := func(days int) string {
		if days < 0 {
			return ""
		}
		return time.Now().UTC().Add(-time.Duration(days)*day - time.Minute).Format("2006-01-02T15:04:05.000000000Z")
	}
	_, err := db.Exec(`INSERT INTO `+c.Table+` (id, key_name, fingerprint, owner, nonce, state, generation, begun_at, ended_at, trace_ids)
		VALUES ($1, 'main', '', 'me', 7, $2, 1, $3, $4, '[]')`, id, state, ago(began), ago(ended))
	require.NoError(t, err)
}

// What ended long ago goes, and nothing else.
func TestPrune(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, dialect sqljournal.Dialect, connect func() *sql.DB) {
		db, c := connect(), sqljournal.Config{Table: newTable(), Dialect: dialect}
		j := migrated(t, db, c)
		stays := map[string]bool{}
		for id, row := range map[string]struct {
			state        string
			began, ended int
			stays        bool
		}{
			"applied":              {"applied", 40, 40, false},
			"not applied":          {"not applied", 31, 30, false},
			"an earlier version's": {"applied", 30, -1, false},
			"ended a little later": {"applied", 40, 29, true}, // by a person, or Recover
			"begun again":          {"not applied", 29, 40, true},
			"recent":               {"applied", 29, -1, true},
			"open":                 {"open", 4000, -1, true},
			"open, ended once":     {"open", 4000, 4000, true},
		} {
			aged(t, db, c, id, row.state, row.began, row.ended)
			stays[id] = row.stays
		}
		n, err := j.Prune(t.Context(), time.Now().Add(-30*day))
		require.NoError(t, err)
		require.Equal(t, int64(3), n)
		for id, stays := range stays {
			held, err := read(j, id)
			require.NoError(t, err)
			require.Equal(t, stays, held.Generation == 1, id)
		}
	})
}

// An operation is as old as its end, whoever began it when.
func TestEndIsDated(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, dialect sqljournal.Dialect, connect func() *sql.DB) {
		db, c := connect(), sqljournal.Config{Table: newTable(), Dialect: dialect}
		j := migrated(t, db, c)
		for _, state := range []retry.EntryState{retry.EntryOpen, retry.EntryApplied, retry.EntryNotApplied} {
			e := sample(state.String())
			e, err := j.Begin(t.Context(), e)
			require.NoError(t, err)
			e.State = state
			require.NoError(t, j.End(t.Context(), e))
			var ended string
			require.NoError(t, db.QueryRow("SELECT ended_at FROM "+c.Table+" WHERE id = $1", e.ID).Scan(&ended))
			if state == retry.EntryOpen {
				require.Empty(t, ended)
				continue
			}
			at, err := time.Parse(time.RFC3339Nano, ended)
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), at, time.Minute)
		}
	})
}

// Several at once, in batches, while operations are begun and ended: each row goes
// once, and nothing else does.
func TestPruneMany(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, dialect sqljournal.Dialect, connect func() *sql.DB) {
		const all = 2500
		db, c := connect(), sqljournal.Config{Table: newTable(), Dialect: dialect}
		j := migrated(t, db, c)
		aged(t, db, c, "p-", "applied", 40, 40)
		_, err := db.Exec(`INSERT INTO ` + c.Table + ` SELECT id || n, key_name, fingerprint, owner, nonce,
			CASE WHEN n % 100 = 0 THEN 'open' ELSE state END, generation, begun_at, trace_ids, first_at, takes_ns, ended_at FROM ` + c.Table +
			`, (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2500) SELECT n FROM s) AS numbers WHERE id = 'p-'`)
		require.NoError(t, err)
		var mu sync.Mutex
		var deleted int64
		var done sync.WaitGroup
		for i := range 3 {
			j := handle(t, connect(), c)
			done.Go(func() {
				n, err := j.Prune(t.Context(), time.Now().Add(-30*day))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				deleted += n
			})
			done.Go(func() {
				for n := range 20 {
					e, err := j.Begin(t.Context(), sample(fmt.Sprintf("p-%d-new-%d", n*100, i)))
					if err == nil {
						e.State = retry.EntryApplied
						err = j.End(t.Context(), e)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		done.Wait()
		require.Equal(t, int64(all+1-25), deleted)
		var rows int
		require.NoError(t, db.QueryRow("SELECT count(*) FROM "+c.Table).Scan(&rows))
		require.Equal(t, 25+60, rows)
		n, err := j.Prune(t.Context(), time.Now().Add(-30*day))
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

// An answer is lost in the middle of it: it goes on, and what it cannot be sure of it
// does not count.
func TestPruneWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	for at, counted := range map[point]int64{before: 1, answered: 0, half: 0} {
		p, c := newProxy(t), sqljournal.Config{Table: newTable()}
		db := p.open(t, "pgx")
		j := migrated(t, db, c)
		aged(t, db, c, "p-1", "applied", 40, 40)
		p.armed.Store(&cut{word: "DELETE", at: at})
		n, err := j.Prune(t.Context(), time.Now().Add(-30*day))
		require.NoError(t, err)
		require.Nil(t, p.armed.Load())
		require.Equal(t, counted, n, at)
		held, err := read(j, "p-1")
		require.NoError(t, err)
		require.Zero(t, held, at)
	}
}

// A row that is begun again at the same time stays.
func TestPruneMeetsABegin(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"read committed", "serializable"} {
		admin, c := openPostgres(t), sqljournal.Config{Table: newTable()}
		name := t.Name() + " " + level[:4]
		j := migrated(t, openPostgres(t, "application_name='"+name+"' default_transaction_isolation='"+level+"'"), c)
		aged(t, admin, c, "p-1", "not applied", 40, 40)
		tx, err := admin.Begin()
		require.NoError(t, err)
		_, err = tx.Exec("UPDATE " + c.Table + " SET state = 'open', generation = 2")
		require.NoError(t, err)
		pruned := make(chan int64, 1)
		go func() {
			n, err := j.Prune(context.Background(), time.Now().Add(-30*day))
			if err != nil {
				t.Error(err)
			}
			pruned <- n
		}()
		awaitWaitingAs(t, admin, name, 1)
		require.NoError(t, tx.Commit())
		require.Zero(t, <-pruned)
		held, err := read(j, "p-1")
		require.NoError(t, err)
		require.Equal(t, int64(2), held.Generation)
	}
}

func TestPruneErrors(t *testing.T) {
	t.Parallel()
	db := newSQLite(t)
	c := sqljournal.Config{Dialect: sqljournal.SQLite}
	j := migrated(t, db, c)
	_, err := j.Prune(t.Context(), time.Now().Add(-sqljournal.MinAge+time.Minute))
	require.Equal(t, "sqljournal: prune: operations that ended less than 24h0m0s ago may still be requested, and would be sent again: none was pruned", safe(t, err))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = j.Prune(ended, time.Now().AddDate(-1, 0, 0))
	require.ErrorIs(t, err, context.Canceled)
}
