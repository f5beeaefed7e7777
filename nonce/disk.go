package nonce

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// patience is how long NewLane and Close, which have no context, wait for the disk.
const patience = 10 * time.Second

var errStalled error = &sentinel{"the disk does not answer: a write or a read has not come back"}

// A disk keeps high-water files. Each of its functions may take as long as it likes.
type disk struct {
	lock  func(name string) (io.Closer, error)
	read  func(name string) ([]byte, error) // wraps os.ErrNotExist if there is none
	write func(name, text string) error     // the whole file, and for good
}

var files = disk{
	lock: func(name string) (io.Closer, error) {
		f, err := lockFile(name)
		if err != nil {
			return nil, err
		}
		return f, nil
	},
	read:  readFile,
	write: writeFile,
}

// An openFile is locked.
type openFile struct {
	name  string
	lock  io.Closer
	found bool // it was there, with this in it
	data  []byte
}

// open is openNow with an end: a file that is open later is let go of.
func (d disk) open(name string) (openFile, error) {
	type result struct {
		openFile
		err error
	}
	var claimed atomic.Bool // by who comes first: the disk or the clock
	opened := make(chan result, 1)
	go func() {
		f, err := d.openNow(name)
		if claimed.Swap(true) {
			if err == nil {
				_ = f.lock.Close()
			}
			return
		}
		opened <- result{f, err}
	}()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case r := <-opened:
		return r.openFile, r.err
	case <-timeout.C:
		if claimed.Swap(true) {
			r := <-opened
			return r.openFile, r.err
		}
		return openFile{}, errStalled
	}
}

func (d disk) openNow(name string) (openFile, error) {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real // a rename would replace the link
	}
	lock, err := d.lock(name + ".lock")
	if err != nil {
		return openFile{}, err
	}
	data, err := d.read(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return openFile{}, errors.Join(err, lock.Close())
	}
	return openFile{name: name, lock: lock, found: err == nil, data: data}, nil
}

// mostMark is more than any high-water file is long.
const mostMark = 4 << 10

// readFile reads what may be such a file, and no more of another one. What is no file at all, a device or a pipe, must not
// be replaced by one.
func readFile(name string) ([]byte, error) {
	if info, err := os.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, &os.PathError{Op: "open", Path: name, Err: errNoFile}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostMark))
}

var errNoFile error = &sentinel{"it is not a regular file"}

// writeFile replaces the file as a whole, and for good: whatever is cut off, there is the old text or the new one.
func writeFile(name, text string) (err error) {
	temp := name + ".tmp" // one name is enough: the file is locked
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, name); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}
