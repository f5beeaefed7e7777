package boltjournal_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"

	"github.com/nexpay-go/resilience/journal/boltjournal"
)

func TestConfigChecked(t *testing.T) {
	t.Parallel()
	_, err := boltjournal.Open(boltjournal.Config{LockWait: -1})
	require.EqualError(t, err, "boltjournal: open: no Path\nnegative LockWait")
	_, err = boltjournal.Open(boltjournal.Config{Path: filepath.Join(t.TempDir(), "no", "journal")})
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = boltjournal.Open(boltjournal.Config{Path: t.TempDir()})
	require.ErrorContains(t, err, "not a regular file")
}

func TestFileIsPrivate(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	open(t, path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
}

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	j := open(t, path)
	_, err := boltjournal.Open(boltjournal.Config{Path: path})
	require.ErrorIs(t, err, boltjournal.ErrInUse)
	require.EqualError(t, err, "boltjournal: open "+path+": the file is already open, in this or another process")
	require.NoError(t, j.Close())
	require.NoError(t, open(t, path).Close())
}

// holdUntilTold is a process with an open journal.
func holdUntilTold(path string) error {
	j, err := boltjournal.Open(boltjournal.Config{Path: path})
	if err != nil {
		return err
	}
	fmt.Println("open")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return j.Close()
}

func TestOpenInAnotherProcess(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), childEnv+"=hold until told")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = out.Read(make([]byte, 5))
	require.NoError(t, err)

	began := time.Now()
	_, err = boltjournal.Open(boltjournal.Config{Path: path})
	require.ErrorIs(t, err, boltjournal.ErrInUse)
	require.Less(t, time.Since(began), 5*time.Second, "at once")

	require.NoError(t, in.Close()) // the other one closes now, or is about to
	j, err := boltjournal.Open(boltjournal.Config{Path: path, LockWait: time.Minute})
	require.NoError(t, err)
	require.NoError(t, j.Close())
	require.NoError(t, cmd.Wait())
}

// filled is the file of a journal that has grown over many pages.
func filled(t *testing.T) []byte {
	t.Helper()
	path := newPath(t)
	j := open(t, path)
	for i := range 40 {
		e := begin(t, j, fmt.Sprintf("p-%03d", i))
		e.TraceIDs = strings.Fields(strings.Repeat(strings.Repeat("t", 200)+" ", 10))
		require.NoError(t, j.End(t.Context(), e))
	}
	require.NoError(t, j.Close())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	return file
}

func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	whole := filled(t)
	other := filepath.Join(t.TempDir(), "other")
	db, err := bolt.Open(other, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("invoices"))
		return err
	}))
	require.NoError(t, db.Close())
	foreign, err := os.ReadFile(other)
	require.NoError(t, err)
	page := os.Getpagesize()
	for name, file := range map[string][]byte{
		"empty":            {},
		"one byte":         whole[:1],
		"one page":         whole[:page],
		"two pages":        whole[:2*page],
		"three pages":      whole[:3*page],
		"half":             whole[:len(whole)/2/page*page],
		"half a page less": whole[:20*page+page/2],
		"text":             bytes.Repeat([]byte("not a journal\n"), 5000),
		"zeros":            make([]byte, len(whole)),
		"zeros at first":   append(make([]byte, 2*page), whole[2*page:]...),
		"zeros behind":     append(bytes.Clone(whole[:2*page]), make([]byte, len(whole)-2*page)...),
		"another database": foreign,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			require.NoError(t, os.WriteFile(path, file, 0o600))
			_, err := boltjournal.Open(boltjournal.Config{Path: path})
			require.ErrorIs(t, err, boltjournal.ErrDamaged)
			t.Log(err)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(file, after), "it is left as it was")
		})
	}
}

// A database without anything in it is what a crash leaves of a journal that was
// being made.
func TestFileWithoutBuckets(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db, err := bolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	begin(t, open(t, path), "p-1")
}

// What is cut off under an open journal is an error, and not the end of the program.
func TestCutWhileOpen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be cut here")
	}
	t.Parallel()
	path := newPath(t)
	require.NoError(t, os.WriteFile(path, filled(t), 0o600))
	j := open(t, path)
	require.NoError(t, os.Truncate(path, int64(2*os.Getpagesize())))
	_, err := read(j, "p-001")
	require.ErrorIs(t, err, boltjournal.ErrDamaged)
	for _, err := range j.Pending(t.Context()) {
		require.ErrorIs(t, err, boltjournal.ErrDamaged)
	}
	_, err = j.Begin(t.Context(), sample("new"))
	require.ErrorIs(t, err, boltjournal.ErrDamaged)
	_, err = j.Begin(t.Context(), sample("newer"))
	require.ErrorIs(t, err, boltjournal.ErrDamaged, "and stays one")
	require.ErrorIs(t, j.Close(), boltjournal.ErrDamaged)
}

// One record that makes no sense spoils its own operation alone.
func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "{", `{"state":"lost"}`} {
		path := newPath(t)
		require.NoError(t, open(t, path).Close())
		put(t, path, "p-1", value)
		j := open(t, path)
		_, err := read(j, "p-1")
		require.ErrorIs(t, err, boltjournal.ErrDamaged)
		_, err = j.Begin(t.Context(), sample("p-1"))
		require.ErrorIs(t, err, boltjournal.ErrDamaged)
		require.ErrorIs(t, j.End(t.Context(), sample("p-1")), boltjournal.ErrDamaged)
		begin(t, j, "p-2")
		require.NoError(t, j.Close())
	}
}

// An open ID without an entry is damage. It must not look like the end of the list, or Recover would leave the payments behind it.
func TestPendingFindsDamage(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	begin(t, j, "p-1")
	require.NoError(t, j.Close())
	db, err := bolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("resilience journal 1")).Bucket([]byte("open")).Put([]byte("p-0"), nil)
	}))
	require.NoError(t, db.Close())
	j = open(t, path)
	var errs []error
	for _, err := range j.Pending(t.Context()) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], boltjournal.ErrDamaged)
}
