package boltjournal_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"

	"github.com/nexpay-go/resilience/journal/boltjournal"
	"github.com/nexpay-go/resilience/retry"
)

func open(t testing.TB, path string) *boltjournal.Journal {
	t.Helper()
	j, err := boltjournal.Open(boltjournal.Config{Path: path})
	require.NoError(t, err)
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func newPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "journal")
}

func sample(id string) retry.Entry {
	return retry.Entry{ID: id, Key: "main", Owner: "me", Nonce: 7, State: retry.EntryOpen, At: time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC),
		First: time.Date(2026, 3, 3, 4, 5, 6, 7, time.UTC), Takes: 35 * time.Second}
}

func begin(t testing.TB, j retry.Journal, id string) retry.Entry {
	t.Helper()
	held, err := j.Begin(context.Background(), sample(id))
	require.NoError(t, err)
	return held
}

func read(j retry.Journal, id string) (retry.Entry, error) {
	return j.Begin(context.Background(), retry.Entry{ID: id, Generation: retry.ReadGeneration})
}

// transactions returns how many were committed to the file.
func transactions(t *testing.T, path string) (n int) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: 1})
	require.NoError(t, err)
	require.NoError(t, db.View(func(tx *bolt.Tx) error {
		n = tx.ID()
		return nil
	}))
	require.NoError(t, db.Close())
	return n
}

// put writes a record past the journal, which must be closed.
func put(t *testing.T, path, id, value string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("resilience journal 1")).Bucket([]byte("entries")).Put([]byte(id), []byte(value))
	}))
	require.NoError(t, db.Close())
}
