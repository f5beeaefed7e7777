package nonce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// block is how far the mark is set above the nonce that made it necessary, at most: the file is written once in that time,
// and a lane that follows a crash begins that far ahead of the clock at most.
const block = 10 * time.Second

// A highWater is a nonce in a file that is no lower than any handed out, kept by writing ahead.
type highWater struct {
	disk
	name  string
	lock  io.Closer
	floor uint64        // where the lane began: up to it, nonces may be used or not
	mark  atomic.Uint64 // what the file holds, as far as it was written by this lane
	shut  chan struct{} // closed with the lane: nobody waits for the disk any longer

	mu      sync.Mutex // guards what follows; it is free while the disk is at work
	raising *write     // nil: none is under way
	closing *write     // nil: open
}

// A write of the file has a goroutine of its own, so that nobody waits for the disk longer than
// the context allows.
type write struct {
	mark uint64
	done chan struct{} // closed when err is set
	err  error
	told atomic.Bool // an event was emitted for it
}

func newWrite(mark uint64) *write { return &write{mark: mark, done: make(chan struct{})} }

// openMarks takes hold of the file, and begins above what it holds.
func (l *Lane) openMarks(d disk, name string) error {
	if name == "" {
		return nil
	}
	f, err := d.open(name)
	if err != nil {
		return l.fileError(err)
	}
	var torn error
	if f.found {
		var mark uint64
		if mark, err = readMark(f.data, l.key, l.unit); errors.Is(err, errTorn) {
			torn, err = err, nil
		}
		if err != nil {
			return errors.Join(l.fileError(err), f.lock.Close())
		}
		l.last = max(l.last, mark)
	}
	if l.last >= MaxNonce {
		return errors.Join(&ExhaustedError{Key: l.key, Last: l.last}, f.lock.Close())
	}
	l.marks = &highWater{disk: d, name: f.name, lock: f.lock, floor: l.last, shut: make(chan struct{})}
	if torn != nil {
		l.emit(Event{Kind: EventHighWater, Key: l.key, Nonce: l.last, Ahead: l.aheadNow(), Err: l.fileError(torn)})
	}
	return nil
}

// keep sees to it that the file holds a nonce no lower than this one before it is used. It ends with ctx whatever the disk
// is doing, and with the lane.
func (l *Lane) keep(ctx context.Context, nonce uint64) error {
	for nonce > l.marks.mark.Load() {
		w, err := l.marks.raise(nonce, l)
		if w == nil {
			return err
		}
		select {
		case <-w.done:
			if w.err != nil {
				l.report(w, w.err)
				return w.err
			}
		case <-l.marks.shut:
			return closedError(l.key)
		case <-ctx.Done():
			return endedWhile(ctx, l.key, writingMark)
		}
	}
	return nil
}

const (
	slow        = time.Second // a write that takes as long is told of: those who wait may be patient, and tell nobody
	writingMark = "while its high-water file was written"
)

// report emits an event for what is wrong with w, unless somebody else has.
func (l *Lane) report(w *write, err error) {
	if !w.told.Swap(true) {
		l.emit(Event{Kind: EventHighWater, Key: l.key, Nonce: l.Last(), Err: err})
	}
}

// gaveUp is the error of a caller whose context ended while others had their turns, or while the disk kept them from it.
func (l *Lane) gaveUp(ctx context.Context) error {
	if l.marks != nil && l.marks.stalled() {
		return endedWhile(ctx, l.key, writingMark)
	}
	return ended(ctx, l.key)
}

// stalled reports whether a write is under way that was told of.
func (h *highWater) stalled() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.raising != nil && h.raising.told.Load()
}

// raise returns the write under way, or begins one that is enough for the nonce. It returns neither that nor an error if the
// nonce is below the mark by now.
func (h *highWater) raise(nonce uint64, l *Lane) (*write, error) {
	last := l.Last() // others have drawn meanwhile: what is written for one will do for them
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closing != nil:
		return nil, closedError(l.key)
	case nonce <= h.mark.Load():
		return nil, nil
	case h.raising == nil:
		h.raising = newWrite(h.above(last, l.ticks(block)))
		go h.run(h.raising, l)
	}
	return h.raising, nil
}

// above returns the mark for a lane that has come to last: as far above it as the lane itself has come from where it began,
// and never more than a block. A lane that begins ahead of the clock, after a crash, and crashes again so leaves the mark
// where it was but for twice the nonces it used: no number of crashes drives it up. Beginning below the clock, which is
// usual, that is a whole block.
func (h *highWater) above(last, block uint64) uint64 {
	return min(last+min(last-h.floor, block), MaxNonce)
}

func (h *highWater) run(w *write, l *Lane) {
	stalled := time.AfterFunc(slow, func() { l.report(w, l.fileError(errStalled)) })
	if err := h.write(h.name, markText(w.mark, l.key, l.unit)); err != nil {
		w.err = l.fileError(err)
	}
	stalled.Stop()
	h.mu.Lock()
	if w.err == nil {
		h.mark.Store(w.mark)
	}
	h.raising = nil
	h.mu.Unlock()
	close(w.done)
}

// Close ends the use of the lane: the turns under way may go on, nobody gets a new one or a newer nonce, and those who
// wait, for a turn or for the disk, get an error that wraps ErrClosed. It writes the last nonce into the high-water file and
// gives that up. A lane without such a file needs no closing.
//
// A disk that does not answer keeps Close for ten seconds at most. Then it returns an error, and the file stays locked until
// the disk has answered or the process has ended: a write that arrives late must not undo what another lane has written.
// Closing again does nothing but wait for the first Close, and returns the same.
func (l *Lane) Close() error {
	l.mu.Lock()
	l.closed = true
	last := l.last
	l.serve()
	l.mu.Unlock()
	if l.marks == nil {
		return nil
	}
	w := l.marks.close(last, l)
	select {
	case <-w.done:
		return w.err
	case <-time.After(patience):
		return l.fileError(errStalled)
	}
}

// close lowers the mark to what was really used. If that cannot be written, the higher one stands.
func (h *highWater) close(last uint64, l *Lane) *write {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing == nil {
		h.closing = newWrite(last)
		close(h.shut)
		go h.end(h.raising, h.closing, l)
	}
	return h.closing
}

// end writes for the last time, once the write before is over.
func (h *highWater) end(before, w *write, l *Lane) {
	if before != nil {
		<-before.done
	}
	var err error
	if w.mark > 0 {
		err = h.write(h.name, markText(w.mark, l.key, l.unit))
	}
	if err = errors.Join(err, h.lock.Close()); err != nil {
		w.err = l.fileError(err)
	}
	close(w.done)
}

// reportAhead reports, once, that the high-water file is far ahead of the clock.
func (l *Lane) reportAhead() {
	l.mu.Lock()
	last, ahead := l.last, l.aheadNow()
	l.mu.Unlock()
	l.emit(Event{Kind: EventHighWater, Key: l.key, Nonce: last, Ahead: ahead, Err: l.fileError(&farAheadError{last, ahead})})
}

// A farAheadError says that the clock was wrong, or is.
type farAheadError struct {
	nonce uint64
	ahead time.Duration
}

func (e *farAheadError) Error() string {
	return fmt.Sprintf("it holds a nonce that is farther ahead of the clock than the lane may be: %d, which is %v ahead. The lane goes "+
		"on above it, and the API refuses whatever else sends with this key by the clock. If the clock is behind, set it right. If it "+
		"was ahead when the file was written, keep the file, and let nothing else use this key until the clock has passed that nonce, or "+
		"ask for a new API key and give it a file of its own", e.nonce, e.ahead.Round(time.Second))
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
