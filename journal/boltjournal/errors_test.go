package boltjournal_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/boltjournal"
	"github.com/nexpay-go/resilience/retry"
)

// safe is what package retry prints of an error.
func safe(t *testing.T, err error) string {
	t.Helper()
	var e interface{ SafeError() string }
	require.ErrorAs(t, err, &e)
	return e.SafeError()
}

func TestSafeTexts(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	require.NoError(t, open(t, path).Close())
	put(t, path, "secret", `{"state":"secret"}`)
	j := open(t, path)
	_, err := read(j, "secret")
	require.ErrorContains(t, err, "secret")
	require.Equal(t, "boltjournal: begin: the file is not a journal, or is damaged", safe(t, err))

	_, err = j.Begin(t.Context(), retry.Entry{ID: "p-1", Key: "secret\x00", State: retry.EntryOpen})
	require.Equal(t, "boltjournal: begin: Key is not UTF-8 text without NUL; encode binary data in hexadecimal", safe(t, err))
	err = j.End(t.Context(), sample("secret 2"))
	require.Equal(t, "boltjournal: end: generation 0 of the operation is not open: "+retry.ErrBusy.Error(), safe(t, err))
	require.ErrorIs(t, err, retry.ErrBusy)

	require.NoError(t, j.Close())
	_, err = read(j, "p-1")
	require.Equal(t, "boltjournal: begin: file already closed", safe(t, err))
	_, err = boltjournal.Open(boltjournal.Config{Path: filepath.Join(path, "below a file")})
	require.ErrorIs(t, err, syscall.ENOTDIR)
	require.Contains(t, safe(t, err), "stat: not a directory")
}

// What the system says of a path is shown without the path.
func TestSafeTextOfMovedFile(t *testing.T) {
	needsMoving(t)
	t.Parallel()
	path := newPath(t)
	j := open(t, path)
	require.NoError(t, os.Remove(path))
	_, err := j.Begin(t.Context(), sample("p-1"))
	require.Equal(t, "boltjournal: begin: the journal's file was moved, removed or replaced", safe(t, err))
	require.NoError(t, os.Symlink(path, path)) // leads nowhere
	_, err = j.Begin(t.Context(), sample("p-1"))
	require.Equal(t, "boltjournal: begin: stat: too many levels of symbolic links", safe(t, err))
	require.NotErrorIs(t, err, fs.ErrNotExist)
}
