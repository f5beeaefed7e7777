package boltjournal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/nexpay-go/resilience/journal/internal/failure"
)

// ErrMoved means that the file is not at its path: it was moved, removed or replaced.
// Nothing is stored, because the next start would not find it. A person must move it
// back; see the package documentation.
var ErrMoved = failure.Plain("the journal's file was moved, removed or replaced")

// A place is where the next start will look for the file.
type place struct {
	path string      // absolute: a program may change its working directory
	file fs.FileInfo // of the open file
}

// check returns an error if the path does not lead to the open file.
func (p place) check() error {
	if surely(p.path, p.file) {
		return nil
	}
	found, err := os.Stat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s does not exist", ErrMoved, p.path)
	case err != nil:
		return err
	case !os.SameFile(p.file, found):
		return fmt.Errorf("%w: %s is another file", ErrMoved, p.path)
	}
	return nil
}

// begun returns the path of the file that distinguishes a first start from one whose
// journal was lost.
func begun(path string) string { return path + ".begun" }

// expect returns nil if a missing journal may be created.
func expect(path string, mustExist bool) error {
	if mustExist {
		return fmt.Errorf("%w, and Config.MustExist is set", fs.ErrNotExist)
	}
	_, err := os.Lstat(begun(path))
	switch {
	case err == nil:
		return fmt.Errorf("%w: move it back; to create a new one, which has no payments, also remove %s", ErrMoved, begun(path))
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// mark creates the file beside an open journal. Its name is durable after the folder
// was synced.
func mark(path string) error {
	const note = "This file shows that there is a payment journal beside it. Without this file, a start that does\n" +
		"not find the journal creates a new one without any payments, and payments are made twice.\n"
	file, err := os.OpenFile(begun(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return nil // then this program cannot create a new journal in the folder either
	case err != nil:
		return err
	}
	_, err = file.WriteString(note)
	return errors.Join(err, file.Sync(), file.Close())
}
