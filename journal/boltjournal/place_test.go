package boltjournal_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/boltjournal"
	"github.com/nexpay-go/resilience/retry"
)

// needsMoving leaves out a system that keeps open files where they are.
func needsMoving(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be moved here")
	}
}

func TestMovedWhileOpen(t *testing.T) {
	needsMoving(t)
	t.Parallel()
	for name, lose := range map[string]func(t *testing.T, path string){
		"moved":   func(t *testing.T, path string) { require.NoError(t, os.Rename(path, path+".1")) },
		"removed": func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
		"its folder moved": func(t *testing.T, path string) {
			require.NoError(t, os.Rename(filepath.Dir(path), filepath.Dir(path)+".1"))
		},
		"replaced": func(t *testing.T, path string) {
			copied, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path+".copy", copied, 0o600))
			require.NoError(t, os.Rename(path+".copy", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "data")
			require.NoError(t, os.Mkdir(folder, 0o700))
			path := filepath.Join(folder, "journal")
			j := open(t, path)
			e := begin(t, j, "p-1")
			lose(t, path)
			_, err := j.Begin(t.Context(), sample("p-2"))
			require.ErrorIs(t, err, boltjournal.ErrMoved)
			require.ErrorContains(t, err, path)
			e.State = retry.EntryApplied
			require.ErrorIs(t, j.End(t.Context(), e), boltjournal.ErrMoved)
			held, err := read(j, "p-2")
			require.NoError(t, err)
			require.Zero(t, held, "nothing was stored")
			require.NoError(t, j.Close())
		})
	}
}

func TestMovedBack(t *testing.T) {
	needsMoving(t)
	t.Parallel()
	path := newPath(t)
	j := open(t, path)
	require.NoError(t, os.Rename(path, path+".1"))
	_, err := j.Begin(t.Context(), sample("p-1"))
	require.ErrorIs(t, err, boltjournal.ErrMoved)
	require.NoError(t, os.Rename(path+".1", path))
	require.Equal(t, int64(1), begin(t, j, "p-1").Generation)
}

// A link that leads elsewhere is where the next start goes.
func TestLinkMoved(t *testing.T) {
	needsMoving(t)
	t.Parallel()
	path := newPath(t)
	require.NoError(t, os.Symlink(path+".1", path))
	j := open(t, path)
	begin(t, j, "p-1")
	require.NoError(t, open(t, path+".2").Close())
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Symlink(path+".2", path))
	_, err := j.Begin(t.Context(), sample("p-2"))
	require.ErrorIs(t, err, boltjournal.ErrMoved)
}

// A relative path is that of the start, whatever the program's folder is later.
func TestFolderChanged(t *testing.T) {
	t.Chdir(t.TempDir())
	j := open(t, "journal")
	t.Chdir(t.TempDir())
	begin(t, j, "p-1")
}

// A journal that is gone at a start is not begun anew, unless a person says so.
func TestLostBeforeStart(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	require.NoError(t, open(t, path).Close())
	require.NoError(t, os.Rename(path, path+".1"))
	for range 2 {
		_, err := boltjournal.Open(boltjournal.Config{Path: path})
		require.ErrorIs(t, err, boltjournal.ErrMoved)
		require.ErrorContains(t, err, "also remove "+path+".begun")
		require.NoFileExists(t, path)
	}
	require.NoError(t, os.Remove(path+".begun"))
	begin(t, open(t, path), "p-1")
}

// A journal of before there was a file beside it gets one.
func TestFileBesideOldJournal(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	require.NoError(t, open(t, path).Close())
	require.NoError(t, os.Remove(path+".begun"))
	require.NoError(t, open(t, path).Close())
	require.FileExists(t, path+".begun")
}

func TestMustExist(t *testing.T) {
	t.Parallel()
	c := boltjournal.Config{Path: newPath(t), MustExist: true}
	_, err := boltjournal.Open(c)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoFileExists(t, c.Path)
	require.NoError(t, open(t, c.Path).Close())
	j, err := boltjournal.Open(c)
	require.NoError(t, err)
	require.NoError(t, j.Close())
}
