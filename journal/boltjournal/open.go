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
)

// ErrInUse says that the file is open already, in another process or in this one.
var ErrInUse = errors.New("the file is open already, here or in another process")

// Open opens a journal, or begins a new one. A file that is open already is
// [ErrInUse]. One that is no journal, or is cut short, is [ErrDamaged], an empty
// one too: a journal that lost all it knew looks no different.
func Open(c Config) (*Journal, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("boltjournal: open: %w", err)
	}
	db, err := openFile(c.Path, time.Now().Add(c.LockWait))
	if err != nil {
		return nil, fmt.Errorf("boltjournal: open %s: %w", c.Path, err)
	}
	return &Journal{committer{db: db, turn: make(chan struct{}, 1)}}, nil
}

func openFile(path string, deadline time.Time) (*bolt.DB, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("this is no file")
	case info.Size() == 0:
		return nil, fmt.Errorf("%w: it is empty; if there never was a journal, remove it", ErrDamaged)
	default:
		if err := probe(path, deadline); err != nil {
			return nil, err
		}
	}
	db, err := openBolt(path, deadline, false)
	if err != nil {
		return nil, err
	}
	prepare := func() error { return db.Update(makeBuckets) }
	if err := errors.Join(guarded(prepare), syncFolder(filepath.Dir(path))); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
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

// syncFolder makes the name of a new file as durable as what will be in it.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such thing
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// probe looks at a file before it is opened for writing, which believes it.
func probe(path string, deadline time.Time) error {
	db, err := openBolt(path, deadline, true)
	if err != nil {
		return err
	}
	return errors.Join(guarded(func() error { return db.View(whole) }), db.Close())
}

// whole tells a journal from a part of one, and from any other database.
func whole(tx *bolt.Tx) error {
	info, err := os.Stat(tx.DB().Path())
	if err != nil {
		return err
	}
	if tx.Size() > info.Size() {
		return fmt.Errorf("%w: it has %d bytes and should have %d", ErrDamaged, info.Size(), tx.Size())
	}
	return tx.ForEach(func(name []byte, _ *bolt.Bucket) error { // none yet, if it was made and no more
		if !bytes.Equal(name, root) {
			return fmt.Errorf("%w: it is the database of something else, or of a newer version: it has %q", ErrDamaged, name)
		}
		return nil
	})
}

func openBolt(path string, deadline time.Time, readOnly bool) (db *bolt.DB, err error) {
	wait := max(time.Until(deadline), 1) // 0 would wait for ever
	err = guarded(func() error {
		db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: wait, ReadOnly: readOnly, FreelistType: bolt.FreelistMapType})
		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrInUse
	case err != nil && !ofSystem(err) && !errors.Is(err, ErrDamaged):
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return db, err
}

// ofSystem reports whether an error is about getting at the file, and not about
// what is in it.
func ofSystem(err error) bool {
	_, path := errors.AsType[*fs.PathError](err)
	_, number := errors.AsType[syscall.Errno](err)
	return path || number
}
