package boltjournal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/nexpay-go/resilience/journal/internal/failure"
)

// ErrInUse means that the file is already open, in this or another process.
var ErrInUse = failure.Plain("the file is already open, in this or another process")

// Open opens a journal, or creates a new one where there never was one. It returns
// [ErrInUse] for a file that is already open. It returns [ErrDamaged] for a file that
// is not a journal or is cut short, and for an empty file, because a journal that
// lost all entries looks the same. It returns [ErrMoved] for a journal that existed
// and is missing.
func Open(c Config) (*Journal, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("boltjournal: open: %w", err)
	}
	j, err := openJournal(c)
	if err != nil {
		return nil, &failure.Error{Call: "boltjournal: open " + c.Path, Err: err}
	}
	return j, nil
}

func openJournal(c Config) (*Journal, error) {
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(max(c.LockWait, forked))
	if err := inspect(path, deadline, c.MustExist); err != nil {
		return nil, err
	}
	db, file, err := openBolt(path, deadline, false)
	if err != nil {
		return nil, err
	}
	place := place{path, file}
	if err := prepare(db, place); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Journal{committer{db: db, place: place, turn: make(chan struct{}, 1)}}, nil
}

// inspect checks the file before it is opened for writing.
func inspect(path string, deadline time.Time, mustExist bool) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return expect(path, mustExist)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return failure.Plain("it is not a regular file")
	case info.Size() == 0:
		return fmt.Errorf("%w: it is empty; if there never was a journal, remove the file", ErrDamaged)
	}
	return probe(path, deadline)
}

// prepare makes a file a journal that survives a crash.
func prepare(db *bolt.DB, p place) error {
	if err := guarded(func() error { return db.Update(makeBuckets) }); err != nil {
		return err
	}
	if err := errors.Join(mark(p.path), syncFolder(filepath.Dir(p.path))); err != nil {
		return err
	}
	return p.check()
}

func makeBuckets(tx *bolt.Tx) error {
	b, err := tx.CreateBucketIfNotExists(root)
	if err != nil {
		return err
	}
	for _, name := range [][]byte{entries, open} {
		if _, err := b.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// syncFolder makes the name of a new file as durable as its content.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // Windows cannot sync a folder
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// probe checks a file before it is opened for writing, which would use its content
// unchecked.
func probe(path string, deadline time.Time) error {
	db, _, err := openBolt(path, deadline, true)
	if err != nil {
		return err
	}
	return errors.Join(guarded(func() error { return db.View(whole) }), db.Close())
}

// whole checks that the file is a complete journal: not a part of one, and not
// another database.
func whole(tx *bolt.Tx) error {
	info, err := os.Stat(tx.DB().Path())
	if err != nil {
		return err
	}
	if tx.Size() > info.Size() {
		return fmt.Errorf("%w: it has %d bytes and should have %d", ErrDamaged, info.Size(), tx.Size())
	}
	return tx.ForEach(func(name []byte, _ *bolt.Bucket) error { // none in a journal that was only created
		if !bytes.Equal(name, root) {
			return fmt.Errorf("%w: it is another database or of a newer version: it has the bucket %q", ErrDamaged, name)
		}
		return nil
	})
}

// forked is how long a closed file may still seem to be open: a process that is being
// started holds all files between its fork and its exec.
const forked = 250 * time.Millisecond

// openBolt returns the open database and the identity of its file.
func openBolt(path string, deadline time.Time, readOnly bool) (db *bolt.DB, info fs.FileInfo, err error) {
	options := &bolt.Options{
		Timeout:      max(time.Until(deadline), 1), // 0 would mean no limit
		ReadOnly:     readOnly,
		FreelistType: bolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode fs.FileMode) (file *os.File, err error) {
			if file, err = os.OpenFile(name, flag, mode); err != nil {
				return nil, err
			}
			info, err = file.Stat()
			return file, err
		},
	}
	err = guarded(func() error {
		db, err = bolt.Open(path, 0o600, options)
		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, nil, ErrInUse
	case err != nil && !ofSystem(err) && !errors.Is(err, ErrDamaged):
		return nil, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return db, info, err
}

// ofSystem reports whether an error is about access to the file, and not about its
// content.
func ofSystem(err error) bool {
	_, path := errors.AsType[*fs.PathError](err)
	_, number := errors.AsType[syscall.Errno](err)
	return path || number
}
