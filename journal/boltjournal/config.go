package boltjournal

import (
	"errors"
	"time"
)

// Config says where the journal is.
type Config struct {
	// Path of the file; required. It is made if there never was one, and beside it
	// a small one with the name and ".begun", by which the next start knows that
	// there was. Its folder is not made.
	Path string

	// MustExist has Open refuse to begin a new journal, with fs.ErrNotExist. Set it
	// once the first start is over: it also finds a folder that is empty because
	// its volume is not mounted. false: Open begins one where none ever was.
	MustExist bool

	// LockWait is how long Open waits for another process to close the file, as
	// when a new release takes over from the old one. 0: not at all.
	LockWait time.Duration
}

func (c Config) check() error {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("no Path"))
	}
	if c.LockWait < 0 {
		errs = append(errs, errors.New("negative LockWait"))
	}
	return errors.Join(errs...)
}
