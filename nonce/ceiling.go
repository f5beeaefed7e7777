package nonce

import (
	"context"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// A ceiling is a nonce above which none is handed out before it has been raised: what a high-water file holds, or what
// LaneConfig.Reserve has granted.
type ceiling struct {
	grant  func(last uint64) (grant, error) // at least up to last; it may take its time
	end    func(last uint64) error          // of the lane's use; nil: there is nothing to do
	failed func(error) error                // makes an error of either the lane's
	slow   error                            // a grant takes longer than it should
	doing  string                           // what those do who wait for a grant
	lock   io.Closer                        // of the file; nil: there is none

	mark  atomic.Uint64 // granted so far
	until atomic.Int64  // on epoch: when that ends
	shut  chan struct{} // closed with the lane: nobody waits any longer

	mu      sync.Mutex // guards what follows; it is free while a grant is under way
	raising *write     // nil: none is under way
	closing *write     // nil: open
}

// A grant is how far a lane may go.
type grant struct {
	mark  uint64
	until time.Duration // on epoch
}

// forGood is the until of a grant that does not end.
const forGood time.Duration = math.MaxInt64

// covers reports whether a nonce that is drawn at an instant on epoch is granted.
func (c *ceiling) covers(nonce uint64, at time.Duration) bool {
	return nonce <= c.mark.Load() && at < time.Duration(c.until.Load())
}

// A write is one grant. It has a goroutine of its own, so that nobody waits for it longer than the context allows.
type write struct {
	mark uint64
	done chan struct{} // closed when err is set
	err  error
	told atomic.Bool // an event was emitted for it
}

func newWrite(mark uint64) *write { return &write{mark: mark, done: make(chan struct{})} }

// keep sees to it that the ceiling is no lower than this nonce before that is used. It ends with ctx whatever it waits for,
// and with the lane.
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
			if nonce <= l.marks.mark.Load() { // granted just now, for however long
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

// slow is after how long a grant that is under way is told of: those who wait may be patient, and tell nobody.
const slow = time.Second

// report emits an event for what is wrong with w, unless somebody else has.
func (l *Lane) report(w *write, err error) {
	if !w.told.Swap(true) {
		l.emit(Event{Kind: EventHighWater, Key: l.key, Nonce: l.Last(), Err: err})
	}
}

// gaveUp is the error of a caller whose context ended while others had their turns, or while a grant kept them from it.
func (l *Lane) gaveUp(ctx context.Context) error {
	if l.marks != nil && l.marks.stalled() {
		return endedWhile(ctx, l.key, l.marks.doing)
	}
	return ended(ctx, l.key)
}

// stalled reports whether a write is under way that was told of.
func (c *ceiling) stalled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raising != nil && c.raising.told.Load()
}

// raise returns the write under way, or begins one that is enough for the nonce. It returns neither that nor an error if the
// nonce is below the mark by now.
func (c *ceiling) raise(nonce uint64, l *Lane) (*write, error) {
	last := l.Last() // others have drawn meanwhile: what is written for one will do for them
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

// run asks for a grant. Its end is that of the write also where who grants ends the goroutine.
func (c *ceiling) run(w *write, l *Lane) {
	stalled := time.AfterFunc(slow, func() { l.report(w, c.failed(c.slow)) })
	got, err := grant{}, errNoReturn
	defer func() {
		stalled.Stop()
		c.granted(w, got, err)
	}()
	got, err = c.grant(w.mark)
}

// granted takes in what came of a write.
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
	w := l.marks.close(last)
	select {
	case <-w.done:
		return w.err
	case <-time.After(patience):
		return l.marks.failed(l.marks.slow)
	}
}

// close lowers the mark to what was really used. If that cannot be written, the higher one stands.
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

// finish ends it, once the grant before is over: what arrives late must not undo it.
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
