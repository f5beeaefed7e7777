package boltjournal

import (
	"context"
	"runtime"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// A committer puts the writes that come while the disk is busy into one
// transaction, which costs what a single one does. Whoever comes while it is idle
// has them committed at once: bbolt's own Batch would make a single caller wait for
// company that does not come.
type committer struct {
	db    *bolt.DB
	place place
	turn  chan struct{} // holds one: the right to commit, and to broken

	mu      sync.Mutex // guards waiting
	waiting []*write

	broken error // what the file was found damaged by while writing
}

// A write is what one caller wants to change.
type write struct {
	change func(*bolt.Tx) (changed bool, err error)
	done   chan struct{} // closed when err is final
	err    error
}

// do returns when what change did is on the disk. If ctx ends before, it may get
// there or not, also later.
func (c *committer) do(ctx context.Context, change func(*bolt.Tx) (bool, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &write{change: change, done: make(chan struct{})}
	c.join(w)
	select {
	case <-w.done:
		return w.err
	case c.turn <- struct{}{}:
		go c.lead(w) // a disk may stall for minutes, and its caller has a deadline
	case <-ctx.Done():
		return c.leave(ctx, w)
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return c.leave(ctx, w)
	}
}

func (c *committer) join(w *write) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, w)
}

// leave goes away from a write: it is not stored any more, unless that has begun.
func (c *committer) leave(ctx context.Context, w *write) error {
	c.withdraw(w)
	select {
	case <-w.done: // the disk answered at the same time
		return w.err
	default:
		return ctx.Err()
	}
}

func (c *committer) withdraw(w *write) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = slices.DeleteFunc(c.waiting, func(other *write) bool { return other == w })
}

func (c *committer) takeWaiting() []*write {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.waiting
	c.waiting = nil
	return taken
}

// lead commits for all who wait, and gives up the turn. If w was committed by
// somebody else's turn in the meantime, those who wait have turns of their own.
func (c *committer) lead(w *write) {
	defer func() { <-c.turn }()
	select {
	case <-w.done:
		return
	default:
	}
	runtime.Gosched() // those whom the last commit woke come along: a third fewer commits. Alone it costs nothing
	batch := c.takeWaiting()
	err := c.commit(batch)
	for _, w := range batch {
		if err != nil {
			w.err = err // also of those that only read: it was in the same transaction
		}
		close(w.done)
	}
}

// commit makes the changes in one transaction. A change that fails before it
// changed anything fails alone.
func (c *committer) commit(batch []*write) error {
	if c.broken != nil {
		return c.broken
	}
	err := guarded(func() error {
		tx, err := c.db.Begin(true)
		if err != nil {
			return err
		}
		defer tx.Rollback() // once committed it does nothing
		changes := false
		for _, w := range batch {
			changed := false
			if changed, w.err = w.change(tx); changed && w.err != nil {
				return w.err
			}
			changes = changes || changed
		}
		if !changes {
			return nil
		}
		if err := c.place.check(); err != nil {
			return err
		}
		return tx.Commit()
	})
	c.broken = damage(err)
	return err
}

func (c *committer) view(read func(*bolt.Tx) error) error {
	return guarded(func() error { return c.db.View(read) })
}

// close leaves a damaged file to the end of the process: what is left of the
// transaction that found it out may hold the lock that closing needs.
func (c *committer) close() error {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	if c.broken != nil {
		return c.broken
	}
	return guarded(c.db.Close)
}
