package boltjournal_test

import (
	"fmt"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/boltjournal"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/journaltest"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(t *testing.T) journaltest.Store {
		path := newPath(t)
		j := open(t, path)
		return journaltest.Store{
			Journal: j,
			Reopen: func() (retry.Journal, error) {
				require.NoError(t, j.Close())
				return open(t, path), nil
			},
		}
	})
}

func TestClosed(t *testing.T) {
	t.Parallel()
	j := open(t, newPath(t))
	e := begin(t, j, "p-1")
	require.NoError(t, j.Close())
	require.NoError(t, j.Close(), "again")
	_, err := j.Begin(t.Context(), sample("p-2"))
	require.ErrorIs(t, err, fs.ErrClosed)
	require.EqualError(t, err, "boltjournal: begin: file already closed")
	_, err = read(j, "p-1")
	require.ErrorIs(t, err, fs.ErrClosed)
	e.State = retry.EntryApplied
	require.ErrorIs(t, j.End(t.Context(), e), fs.ErrClosed)
	for _, err := range j.Pending(t.Context()) {
		require.ErrorIs(t, err, fs.ErrClosed)
	}
}

// Everything wrong is told at once, without the texts themselves.
func TestRefused(t *testing.T) {
	t.Parallel()
	j := open(t, newPath(t))
	_, err := j.Begin(t.Context(), retry.Entry{Key: "a\x00", Owner: "\xff"})
	require.ErrorContains(t, err, "boltjournal: begin: no ID")
	require.ErrorContains(t, err, "Key is not UTF-8 text without NUL")
	require.ErrorContains(t, err, "Owner is not UTF-8 text")
	require.ErrorContains(t, err, `unknown state "EntryState(0)"`)
	require.NotContains(t, err.Error(), "\xff")
	_, err = read(j, "")
	require.ErrorContains(t, err, "no ID")
	begun := begin(t, j, "p-1")
	begun.State = 9
	require.ErrorContains(t, j.End(t.Context(), begun), `unknown state "EntryState(9)"`)
}

// Trace ids are no reason to lose what happened.
func TestOddTraceIDs(t *testing.T) {
	t.Parallel()
	j := open(t, newPath(t))
	e := begin(t, j, "p-1")
	e.State, e.TraceIDs = retry.EntryApplied, []string{"a\xff", "b\x00"}
	require.NoError(t, j.End(t.Context(), e))
	e, err := read(j, "p-1")
	require.NoError(t, err)
	require.Equal(t, []string{"a\ufffd", "b\x00"}, e.TraceIDs)
}

func TestTimesKeepTheirNanoseconds(t *testing.T) {
	t.Parallel()
	j := open(t, newPath(t))
	held := begin(t, j, "p-1")
	require.Equal(t, sample("").At, held.At)
	require.Equal(t, sample("").First, held.First)
}

// A record that was written before First and Takes existed, to the byte.
func TestOldRecord(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	require.NoError(t, open(t, path).Close())
	put(t, path, "p-1", `{"key":"main","fingerprint":"f","owner":"me","nonce":7,"state":"open","generation":3,"at":"2026-03-04T05:06:07.000000008Z","trace_ids":["t-1"]}`)
	j := open(t, path)
	e := sample("p-1")
	e.Fingerprint, e.Generation, e.TraceIDs, e.First, e.Takes = "f", 3, []string{"t-1"}, time.Time{}, 0
	held, err := read(j, "p-1")
	require.NoError(t, err)
	require.Equal(t, e, held)
	held.First, held.Takes = held.At, time.Minute
	e, err = j.Begin(t.Context(), held)
	require.NoError(t, err)
	require.Equal(t, int64(4), e.Generation)
	e.State = retry.EntryNotApplied
	require.NoError(t, j.End(t.Context(), e))
	held, err = read(j, "p-1")
	require.NoError(t, err)
	require.Equal(t, e, held)
}

var _ interface {
	retry.PendingJournal
	Close() error
} = (*boltjournal.Journal)(nil)

// A listing may take hours, while its operations are finished. It holds no
// transaction for that: the pages that finishing frees would be kept for it, and the
// file would grow with each commit, or could not, and the commit would hang.
func TestPendingKeepsNoPages(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	j := open(t, path)
	for i := range 3 {
		begin(t, j, fmt.Sprint("p-", i))
	}
	size := func() int64 {
		info, err := os.Stat(path)
		require.NoError(t, err)
		return info.Size()
	}
	before, listed := size(), 0
	for e, err := range j.Pending(t.Context()) {
		require.NoError(t, err)
		listed++
		for range 50 {
			e, err = j.Begin(t.Context(), e)
			require.NoError(t, err)
		}
	}
	require.Equal(t, 3, listed)
	require.Equal(t, before, size())
}
