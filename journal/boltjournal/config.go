package boltjournal

import (
	"errors"
	"time"
)

// Config configures a journal.
type Config struct {
	// Path is the path of the file; required. Open creates the file if there never
	// was one, and beside it a small file with the name and ".begun", which shows the
	// next start that there was a journal. Open does not create the folder.
	Path string

	// MustExist makes Open return fs.ErrNotExist instead of creating a new journal.
	// Set it after the first start: it also detects an empty folder whose volume is
	// not mounted. false: Open creates a journal where there never was one.
	MustExist bool

	// LockWait is how long Open waits for another process to close the file, for
	// example when a new release replaces the old one. 0: it does not wait.
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
