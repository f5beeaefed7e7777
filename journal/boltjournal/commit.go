package boltjournal

import (
	"context"
	"runtime"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// A committer stores the writes that arrive while the disk is busy in one
// transaction, which costs as much as a single write. A write that arrives while the
// disk is idle is committed at once: bbolt's own Batch would make a single caller
// wait for others.
type committer struct {
	db    *bolt.DB
	place place
	turn  chan struct{} // holds one token: the right to commit and to access broken

	mu      sync.Mutex // guards waiting
	waiting []*write

	broken error // the damage that a write found in the file
}

// A write is the change of one caller.
type write struct {
	change func(*bolt.Tx) (changed bool, err error)
	done   chan struct{} // closed when err is final
	err    error
}

// do returns when the change is on the disk. If ctx ends before, the change may or
// may not be stored, possibly later.
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
		go c.lead(w) // a disk may stall for minutes, but the caller has a deadline
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

// leave abandons a write: it is not stored, unless that has already begun.
func (c *committer) leave(ctx context.Context, w *write) error {
	c.withdraw(w)
	select {
	case <-w.done: // the write finished at the same time
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

// lead commits for all waiting callers, and then passes the turn on. If another turn
// has committed w in the meantime, the callers that still wait have their own turns.
func (c *committer) lead(w *write) {
	defer func() { <-c.turn }()
	select {
	case <-w.done:
		return
	default:
	}
	runtime.Gosched() // callers that the last commit woke can join: a third fewer commits. Without others it costs nothing
	batch := c.takeWaiting()
	err := c.commit(batch)
	for _, w := range batch {
		if err != nil {
			w.err = err // also for callers that only read: it was the same transaction
		}
		close(w.done)
	}
}

// commit makes the changes in one transaction. A change that fails before it has
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
		defer tx.Rollback() // does nothing after a commit
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

// close leaves a damaged file open until the process ends: the transaction that found
// the damage may still hold the lock that closing needs.
func (c *committer) close() error {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	if c.broken != nil {
		return c.broken
	}
	return guarded(c.db.Close)
}
