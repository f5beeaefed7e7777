package oracle_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// The journal's faults.
const (
	sound      = iota
	failsFirst // before it has stored anything
	failsAfter // having stored it all the same
	fickle     // as that, and the next start finds it gone
	tardy      // as that, and it is stored some time later
	slow       // it takes seconds: it may or may not mind the context
	storeFaults
)

var errStore = errors.New("the disk is on fire")

// A store is what survives processes: the journal's file.
type store struct {
	w      *world
	held   map[string]retry.Entry
	begun  map[begin]time.Duration // when that was
	unsure []*write                // in order, that nobody has been told of; an acknowledged one makes all before it sure
}

// A begin is a Begin that was taken.
type begin struct {
	id         string
	generation int64
}

// A write is what stood there before, and stands there now.
type write struct {
	by            *call
	before, after retry.Entry
	failed        bool // so its caller has been told
}

func newStore(w *world) *store {
	return &store{w: w, held: map[string]retry.Entry{}, begun: map[begin]time.Duration{}}
}

// begin is the compare-and-swap.
func (s *store) begin(e retry.Entry) retry.Entry {
	held := s.held[e.ID]
	if held.Generation == e.Generation && held.State != retry.EntryApplied {
		e.Generation++
		e.TraceIDs = slices.Clone(e.TraceIDs)
		s.held[e.ID], held = e, e
		s.begun[begin{e.ID, e.Generation}] = s.w.now()
		s.w.tracef("journal: generation %d is open, on %s nonce %d", e.Generation, e.Key, e.Nonce)
	}
	return held
}

func (s *store) end(e retry.Entry) error {
	held := s.held[e.ID]
	switch {
	case held.Generation != e.Generation || held.State != retry.EntryOpen && held.State != e.State:
		return fmt.Errorf("generation %d is not open: %w", e.Generation, retry.ErrBusy)
	case held.State == retry.EntryOpen:
		held.State, held.TraceIDs = e.State, slices.Clone(e.TraceIDs)
		s.held[e.ID] = held
		s.w.tracef("journal: generation %d is %v", held.Generation, held.State)
	}
	return nil
}

// restart loses what was never acknowledged and never will be, where nothing was
// built on it.
func (s *store) restart() {
	for _, u := range slices.Backward(s.unsure) {
		if id := u.after.ID; (u.failed || u.by.proc.gone) && same(s.held[id], u.after) {
			s.w.tracef("journal: generation %d, %v, is lost", u.after.Generation, u.after.State)
			s.held[id] = u.before
		}
	}
	s.unsure = nil
}

func same(a, b retry.Entry) bool {
	return a.Generation == b.Generation && a.Owner == b.Owner && a.State == b.State
}

// A journal is a process's way to the store.
type journal struct{ w *world }

// Begin, see [retry.Journal].
func (j *journal) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	c := callOf(ctx)
	c.watch.beginning(e)
	var held retry.Entry
	err := c.access(ctx, e.ID, func(s *store) error {
		held = c.proc.dated(s.begin(c.proc.dated(e, c.proc.skew)), -c.proc.skew)
		held.TraceIDs = slices.Clone(held.TraceIDs)
		return nil
	})
	c.watch.begun(e, held, err)
	if err != nil {
		return retry.Entry{}, err
	}
	return held, nil
}

// End, see [retry.Journal].
func (j *journal) End(ctx context.Context, e retry.Entry) error {
	c := callOf(ctx)
	c.watch.ending(ctx, e)
	err := c.access(ctx, e.ID, func(s *store) error { return s.end(e) })
	c.watch.ended(e, err)
	c.tracef("End of generation %d, %v: %v", e.Generation, e.State, err)
	return err
}

// dated is e as a clock sees it that is ahead by so much.
func (p *process) dated(e retry.Entry, ahead time.Duration) retry.Entry {
	for _, t := range []*time.Time{&e.At, &e.First} {
		if !t.IsZero() {
			*t = t.Round(0).Add(ahead)
		}
	}
	return e
}

// Pending, see [retry.PendingJournal]. Of what is open it lists what the call is about.
func (j *journal) Pending(ctx context.Context) iter.Seq2[retry.Entry, error] {
	return func(yield func(retry.Entry, error) bool) {
		c := callOf(ctx)
		var held retry.Entry
		err := c.access(ctx, c.id, func(s *store) error {
			held = s.held[c.id]
			return nil
		})
		if err != nil || held.State == retry.EntryOpen {
			yield(held, err)
		}
	}
}

// access does something with the store, well or badly.
func (c *call) access(ctx context.Context, id string, do func(*store) error) error {
	fault := c.storeFault()
	there, back := c.between(0, 20*time.Millisecond), c.between(0, 20*time.Millisecond)
	stubborn := fault == slow && c.chance(50)
	if fault == slow {
		there, back = c.between(0, 6*time.Second), c.between(0, 6*time.Second)
	}
	if stubborn {
		ctx = context.WithoutCancel(ctx)
	}
	left := false // for the disk, to arrive there by itself
	defer func() {
		if left {
			c.w.after(c.between(0, c.w.shows), func() { _ = do(c.w.store) })
		}
	}()
	left = fault == tardy || fault == slow && c.chance(30)
	if !c.wait(ctx, there) || fault == failsFirst || fault == tardy {
		return c.failed(ctx)
	}
	left = false
	u, err := c.write(id, do)
	if !c.wait(ctx, back) || fault == fickle {
		c.w.mu.Lock()
		u.failed = true
		c.w.mu.Unlock()
		return c.failed(ctx)
	}
	c.w.mu.Lock()
	c.w.store.unsure = nil
	c.w.mu.Unlock()
	if fault == failsAfter {
		return c.failed(ctx)
	}
	return err
}

func (c *call) write(id string, do func(*store) error) (*write, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	s := c.w.store
	u := &write{by: c, before: s.held[id]}
	err := do(s)
	u.after = s.held[id]
	if same(u.before, u.after) {
		s.unsure = nil // it was read, and what is read is not lost any more
	} else {
		s.unsure = append(s.unsure, u)
	}
	return u, err
}

func (c *call) failed(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errStore
}

func (c *call) storeFault() int {
	if c.calm() {
		return sound
	}
	return c.weighted(c.w.storeFaults)
}

// after does something some time later.
func (w *world) after(d time.Duration, do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.later(d)
	time.AfterFunc(d, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		do()
	})
}
