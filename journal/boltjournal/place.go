package boltjournal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/nexpay-go/resilience/journal/internal/failure"
)

// ErrMoved says that the file is not at its path: it was moved, removed or
// replaced. What would be stored is what the next start does not find, so nothing
// is. A person has to bring it back; see the package's comment.
var ErrMoved = failure.Plain("the journal's file was moved, removed or replaced")

// A place is where the next start will look for the file.
type place struct {
	path string      // absolute: a program may change its folder
	file fs.FileInfo // of the file that is open
}

// check returns an error if the path does not lead to the open file.
func (p place) check() error {
	if surely(p.path, p.file) {
		return nil
	}
	found, err := os.Stat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no %s", ErrMoved, p.path)
	case err != nil:
		return err
	case !os.SameFile(p.file, found):
		return fmt.Errorf("%w: %s is another file", ErrMoved, p.path)
	}
	return nil
}

// begun is the file beside the journal which tells a first start from one whose
// journal was lost.
func begun(path string) string { return path + ".begun" }

// expect decides whether a journal that is not there may be begun.
func expect(path string, mustExist bool) error {
	if mustExist {
		return fmt.Errorf("%w, and Config.MustExist is set", fs.ErrNotExist)
	}
	_, err := os.Lstat(begun(path))
	switch {
	case err == nil:
		return fmt.Errorf("%w: bring it back; to begin a new one, which knows of no payment, remove %s too", ErrMoved, begun(path))
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// mark leaves the file beside an open journal. Its name is durable once the folder
// is.
func mark(path string) error {
	const note = "A payment journal was begun beside this file. Without this file, a start that does not find\n" +
		"the journal begins a new one, which knows of no payment: payments are made twice.\n"
	file, err := os.OpenFile(begun(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return nil // then this program cannot begin a new journal in the folder either
	case err != nil:
		return err
	}
	_, err = file.WriteString(note)
	return errors.Join(err, file.Sync(), file.Close())
}
