package nonce

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// block is how far the mark is set above the nonce that made it necessary: the file is written once in that time, and a
// lane that follows a crash begins that far ahead of the clock at most.
const block = 10 * time.Second

// A highWater is a nonce in a file that is no lower than any handed out, kept by writing ahead.
type highWater struct {
	name string
	lock *os.File
	mark atomic.Uint64 // what the file holds

	mu     sync.Mutex // guards the file, and what follows
	closed bool
}

// openMarks takes hold of the file, and begins above what it holds.
func (l *Lane) openMarks(name string) error {
	if name == "" {
		return nil
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real // a rename would replace the link
	}
	lock, err := lockFile(name + ".lock")
	if err != nil {
		return l.fileError(err)
	}
	data, err := readFile(name)
	if err == nil {
		var mark uint64
		if mark, err = readMark(data, l.key, l.unit); err == nil || errors.Is(err, errTorn) {
			l.last = max(l.last, mark)
		}
	}
	l.marks = &highWater{name: name, lock: lock}
	switch {
	case err == nil, errors.Is(err, os.ErrNotExist):
	case errors.Is(err, errTorn):
		l.emit(Event{Kind: EventHighWater, Key: l.key, Nonce: l.last, Ahead: l.aheadNow(), Err: l.fileError(err)})
	default:
		return errors.Join(l.fileError(err), lock.Close())
	}
	if l.last >= MaxNonce {
		return errors.Join(&ExhaustedError{Key: l.key, Last: l.last}, lock.Close())
	}
	return nil
}

// mostMark is more than any high-water file is long.
const mostMark = 4 << 10

// readFile reads what may be such a file, and no more of another one.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostMark))
}

// keep sees to it that the file holds a nonce no lower than this one before it is used.
func (l *Lane) keep(nonce uint64) error {
	if nonce <= l.marks.mark.Load() {
		return nil
	}
	err := l.marks.raise(nonce, l)
	if err == nil || errors.Is(err, ErrClosed) {
		return err
	}
	err = l.fileError(err)
	l.emit(Event{Kind: EventHighWater, Key: l.key, Nonce: l.Last(), Err: err})
	return err
}

func (h *highWater) raise(nonce uint64, l *Lane) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return closedError(l.key)
	case nonce <= h.mark.Load():
		return nil
	}
	mark := min(nonce+l.ticks(block), MaxNonce)
	if err := writeFile(h.name, markText(mark, l.key, l.unit)); err != nil {
		return err
	}
	h.mark.Store(mark)
	return nil
}

// Close ends the use of the lane: the turns under way may go on, nobody gets a new one or a newer nonce, and those who
// wait get an error that wraps ErrClosed. It gives up the
// high-water file, having written into it the last nonce. A lane without such a file needs no closing. Closing again does
// nothing.
func (l *Lane) Close() error {
	l.mu.Lock()
	l.closed = true
	last := l.last
	l.serve()
	l.mu.Unlock()
	if l.marks == nil {
		return nil
	}
	if err := l.marks.close(last, l); err != nil {
		return l.fileError(err)
	}
	return nil
}

// close lowers the mark to what was really used. If that cannot be written, the higher one stands.
func (h *highWater) close(last uint64, l *Lane) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	h.closed = true
	var err error
	if last > 0 {
		err = writeFile(h.name, markText(last, l.key, l.unit))
	}
	return errors.Join(err, h.lock.Close())
}

func (l *Lane) fileError(err error) error { return &fileError{l.key, err} }

// A fileError is one of the high-water file. Its text holds a path and what the system says of it.
type fileError struct {
	key string
	err error
}

func (e *fileError) Error() string {
	return fmt.Sprintf("nonce: key %q: high-water file: %v", e.key, e.err)
}

// SafeError says that this text is fit to be logged.
func (e *fileError) SafeError() string { return e.Error() }

func (e *fileError) Unwrap() error { return e.err }

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
