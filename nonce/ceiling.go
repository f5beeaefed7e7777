package nonce

import (
	"context"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// A ceiling limits the nonces that a lane may hand out: a higher one needs a grant first.
// Grants come from a high-water file or from LaneConfig.Reserve.
type ceiling struct {
	grant  func(last uint64) (grant, error) // at least up to last; it may block
	end    func(last uint64) error          // called by Close; nil: nothing to do
	failed func(error) error                // wraps an error of either
	slow   error                            // reported if a grant takes too long
	doing  string                           // what a caller that waits for a grant waits for
	lock   io.Closer                        // of the file; nil: no file

	mark  atomic.Uint64 // granted so far
	until atomic.Int64  // on epoch: when the grant ends
	shut  chan struct{} // closed with the lane: ends all waits

	mu      sync.Mutex // guards what follows; not held while a grant is under way
	raising *write     // nil: none is under way
	closing *write     // nil: open
}

// A grant is how far a lane may go, and until when.
type grant struct {
	mark  uint64
	until time.Duration // on epoch
}

// forGood is the until of a grant that does not end.
const forGood time.Duration = math.MaxInt64

// covers reports whether a nonce drawn at this instant on epoch is granted.
func (c *ceiling) covers(nonce uint64, at time.Duration) bool {
	return nonce <= c.mark.Load() && at < time.Duration(c.until.Load())
}

// A write is one grant under way. It has its own goroutine, so that a caller waits for it
// no longer than its context allows.
type write struct {
	mark     uint64
	done     chan struct{} // closed when err is set
	err      error
	reported atomic.Bool // an event was emitted for it
}

func newWrite(mark uint64) *write { return &write{mark: mark, done: make(chan struct{})} }

// keep makes sure that the ceiling is at least nonce before that nonce is used. It
// returns when ctx ends, and when the lane is closed.
func (l *Lane) keep(ctx context.Context, nonce uint64) error {
	for !l.marks.covers(nonce, clock()) {
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
			if nonce <= l.marks.mark.Load() { // granted just now, however short its until
				return nil
			}
		case <-l.marks.shut:
			return closedError(l.key)
		case <-ctx.Done():
			return endedWhile(ctx, l.key, l.marks.doing)
		}
	}
	return nil
}

// slow is how long a grant may be under way before an event reports it: the callers that
// wait may have long deadlines, and report nothing.
const slow = time.Second

// report emits an event for err, unless one was emitted for w already.
func (l *Lane) report(w *write, err error) {
	if !w.reported.Swap(true) {
		l.emit(Event{Kind: EventHighWater, Key: l.key, Nonce: l.Last(), Err: err})
	}
}

// gaveUp returns the error for a caller whose context ended before its turn came.
func (l *Lane) gaveUp(ctx context.Context) error {
	if l.marks != nil && l.marks.stalled() {
		return endedWhile(ctx, l.key, l.marks.doing)
	}
	return ended(ctx, l.key)
}

// stalled reports whether a write is under way for which an event was emitted.
func (c *ceiling) stalled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raising != nil && c.raising.reported.Load()
}

// raise returns the write under way, or begins one that is enough for nonce. It returns
// neither a write nor an error if nonce is granted by now.
func (c *ceiling) raise(nonce uint64, l *Lane) (*write, error) {
	last := l.Last() // covers the nonces drawn meanwhile, too
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closing != nil:
		return nil, closedError(l.key)
	case c.covers(nonce, clock()):
		return nil, nil
	case c.raising == nil:
		c.raising = newWrite(last)
		go c.run(c.raising, l)
	}
	return c.raising, nil
}

// run gets a grant. The write ends even if the granting function ends the goroutine.
func (c *ceiling) run(w *write, l *Lane) {
	stalled := time.AfterFunc(slow, func() { l.report(w, c.failed(c.slow)) })
	got, err := grant{}, errNoReturn
	defer func() {
		stalled.Stop()
		c.granted(w, got, err)
	}()
	got, err = c.grant(w.mark)
}

// granted stores the result of a write.
func (c *ceiling) granted(w *write, got grant, err error) {
	if err != nil {
		w.err = c.failed(err)
	}
	c.mu.Lock()
	if w.err == nil {
		c.until.Store(int64(got.until))
		c.mark.Store(got.mark)
	}
	c.raising = nil
	c.mu.Unlock()
	close(w.done)
}

// Close closes the lane. Turns under way may end, but no turn begins and no turn gets a
// newer nonce. Callers that wait for a turn or for the disk get an error that wraps
// ErrClosed. Close writes the last nonce to the high-water file and releases the file. A
// lane without such a file need not be closed.
//
// If the disk does not answer, Close returns an error after ten seconds. The file then
// stays locked until the disk has answered or the process has ended: a late write must
// not overwrite what another lane has written. Calling Close again only waits for the
// first Close and returns the same.
func (l *Lane) Close() error {
	l.mu.Lock()
	l.closed = true
	last := l.last
	l.serve()
	l.mu.Unlock()
	if l.marks == nil {
		return nil
	}
	w := l.marks.close(last)
	select {
	case <-w.done:
		return w.err
	case <-time.After(patience):
		return l.marks.failed(l.marks.slow)
	}
}

// close lowers the mark to the last nonce used. If that cannot be written, the higher
// mark stays.
func (c *ceiling) close(last uint64) *write {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == nil {
		c.closing = newWrite(last)
		close(c.shut)
		go c.finish(c.raising, c.closing)
	}
	return c.closing
}

// finish ends the ceiling once the grant before it is over: a late write must not undo
// it.
func (c *ceiling) finish(before, w *write) {
	if c.end != nil {
		if before != nil {
			<-before.done
		}
		if err := c.end(w.mark); err != nil {
			w.err = c.failed(err)
		}
	}
	close(w.done)
}
