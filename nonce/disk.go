package nonce

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// patience is how long NewLane and Close wait for the disk, as they have no context.
const patience = 10 * time.Second

var errStalled error = &sentinel{"the disk does not answer: a read or write has not returned"}

// A disk keeps high-water files. Each of its functions may block.
type disk struct {
	lock  func(name string) (io.Closer, error)
	read  func(name string) ([]byte, error) // wraps os.ErrNotExist if there is no file
	write func(name, text string) error     // replaces the file durably
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

// An openFile is a locked file and what was in it.
type openFile struct {
	name  string
	lock  io.Closer
	found bool // it existed and held data
	data  []byte
}

// open is openNow with a timeout: a file that is opened later is released.
func (d disk) open(name string) (openFile, error) {
	type result struct {
		openFile
		err error
	}
	var claimed atomic.Bool // by the disk or the timeout, whichever is first
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
		name = real // else a rename would replace the link
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

// mostMark is longer than any high-water file.
const mostMark = 4 << 10

// readFile reads the beginning of a regular file. It refuses a device or a pipe, which
// must not be replaced by a file.
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

// writeFile replaces the whole file durably: after a crash it holds the old text or the
// new one.
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
