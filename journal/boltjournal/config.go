package boltjournal

import (
	"errors"
	"time"
)

// Config says where the journal is.
type Config struct {
	// Path of the file; required. It is made if it is not there, its folder is not.
	Path string

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
