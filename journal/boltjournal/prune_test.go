package boltjournal_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"

	"github.com/nexpay-go/resilience/journal/boltjournal"
)

// aged is a record whose operation began and ended so many days ago; below 0 days it
// has no such time.
func aged(state string, began, ended int) string {
	ago := func(days int) string {
		return time.Now().UTC().Add(-time.Duration(days)*24*time.Hour - time.Minute).Format(time.RFC3339Nano)
	}
	record := fmt.Sprintf(`{"state":%q,"generation":1,"at":%q`, state, ago(began))
	if ended >= 0 {
		record += fmt.Sprintf(`,"ended":%q`, ago(ended))
	}
	return record + "}"
}

// What ended long ago goes, and nothing else.
func TestPrune(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	require.NoError(t, open(t, path).Close())
	for id, row := range map[string]struct {
		record string
		stays  bool
	}{
		"applied":               {aged("applied", 40, 40), false},
		"not applied":           {aged("not applied", 31, 30), false},
		"an earlier version's":  {aged("applied", 30, -1), false},
		"ended a little later":  {aged("applied", 40, 29), true}, // by a person, or Recover
		"begun again":           {aged("not applied", 29, 40), true},
		"recent":                {aged("applied", 29, -1), true},
		"open":                  {aged("open", 4000, -1), true},
		"open, and ended once":  {aged("open", 4000, 4000), true},
		"\x00 first of all IDs": {aged("applied", 40, 40), false},
	} {
		put(t, path, id, row.record)
		j, err := boltjournal.Open(boltjournal.Config{Path: path})
		require.NoError(t, err)
		n, err := j.Prune(t.Context(), time.Now().AddDate(0, 0, -30))
		require.NoError(t, err)
		require.Equal(t, !row.stays, n == 1, id)
		if id[0] != 0 {
			held, err := read(j, id)
			require.NoError(t, err)
			require.Equal(t, row.stays, held.Generation == 1, id)
		}
		require.NoError(t, j.Close())
	}
}

// Many take several transactions, each as short as the others.
func TestPruneMany(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	require.NoError(t, open(t, path).Close())
	const all = 2500
	db, err := bolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("resilience journal 1")).Bucket([]byte("entries"))
		for i := range all {
			state := "applied"
			if i%100 == 0 {
				state = "open"
			}
			if err := b.Put(fmt.Appendf(nil, "p-%05d", i), []byte(aged(state, 40, -1))); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, db.Close())
	before := transactions(t, path)
	j := open(t, path)
	n, err := j.Prune(t.Context(), time.Now().AddDate(0, 0, -30))
	require.NoError(t, err)
	require.Equal(t, int64(all-25), n)
	n, err = j.Prune(t.Context(), time.Now().AddDate(0, 0, -30))
	require.NoError(t, err)
	require.Zero(t, n)
	held, err := read(j, "p-01000")
	require.NoError(t, err)
	require.Equal(t, int64(1), held.Generation)
	require.NoError(t, j.Close())
	require.GreaterOrEqual(t, transactions(t, path)-before, 3)
}

func TestPruneErrors(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	j := open(t, path)
	_, err := j.Prune(t.Context(), time.Now().Add(-boltjournal.MinAge+time.Minute))
	require.EqualError(t, err, "boltjournal: prune: operations that ended less than 24h0m0s ago may still be requested, and would be sent again: none was pruned")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = j.Prune(ended, time.Now().AddDate(-1, 0, 0))
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, j.Close())
	put(t, path, "p-1", "{")
	_, err = open(t, path).Prune(t.Context(), time.Now().AddDate(-1, 0, 0))
	require.ErrorIs(t, err, boltjournal.ErrDamaged)
}
