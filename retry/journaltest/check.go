package journaltest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// A check tests one rule on one store.
type check struct {
	context.Context
	cancel context.CancelFunc
	store  Store

	mu    sync.Mutex // guards found: a journal that hangs may return late
	found []error
}

func newCheck(ctx context.Context, store Store) *check {
	c := &check{store: store}
	c.Context, c.cancel = context.WithCancel(ctx)
	return c
}

func (c *check) violations() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.found)
}

// report records a violation, once even if many goroutines find it.
func (c *check) report(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(c.found, func(f error) bool { return f.Error() == err.Error() }) {
		c.found = append(c.found, err)
	}
}

// fatal ends the rule, because its next steps would be meaningless.
func (c *check) fatal(format string, args ...any) {
	c.report(format, args...)
	runtime.Goexit()
}

func (c *check) survive() {
	if p := recover(); p != nil {
		c.report("it panics: %v", p)
	}
}

// begin is a Begin that must not return an error.
func (c *check) begin(j retry.Journal, e retry.Entry) retry.Entry {
	held, err := j.Begin(c, e)
	if err != nil {
		c.fatal("Begin of generation %d: %w", e.Generation, err)
	}
	return held
}

// start begins e, of which nothing is stored, and returns it as it is stored then.
func (c *check) start(j retry.Journal, e retry.Entry) retry.Entry {
	e.Generation = 0
	held := c.begin(j, e)
	e.Generation = 1
	c.same(held, e, "Begin of a new operation returns")
	return e
}

// again begins a stored entry once more with another owner, and returns it as it is
// stored then.
func (c *check) again(j retry.Journal, held retry.Entry, owner string) retry.Entry {
	held.State, held.Owner = retry.EntryOpen, owner
	got := c.begin(j, held)
	held.Generation++
	c.same(got, held, "Begin of the generation that is held returns")
	return held
}

// end is an End that must not return an error. It returns e with the state and trace
// ids.
func (c *check) end(j retry.Journal, e retry.Entry, state retry.EntryState, traces ...string) retry.Entry {
	e.State, e.TraceIDs = state, traces
	if err := j.End(c, e); err != nil {
		c.fatal("End of generation %d as %v: %w", e.Generation, state, err)
	}
	return e
}

func (c *check) read(j retry.Journal, id string) retry.Entry {
	held, err := j.Begin(c, retry.Entry{ID: id, Generation: retry.ReadGeneration, State: retry.EntryOpen, Owner: "reader"})
	if err != nil {
		c.fatal("reading: %w", err)
	}
	return held
}

// holds reports a violation if the journal has anything other than want for its ID.
func (c *check) holds(j retry.Journal, want retry.Entry, when string) {
	c.same(c.read(j, want.ID), want, when+", it holds")
}

// empty reports a violation if the journal has anything for an ID.
func (c *check) empty(j retry.Journal, id, when string) {
	c.same(c.read(j, id), retry.Entry{}, when+", it holds")
}

func (c *check) same(got, want retry.Entry, what string) {
	if !same(got, want) {
		c.report("%s\n\t%+v, not\n\t%+v", what, got, want)
	}
}

// same ignores the difference between nil and empty trace ids, and compares times to
// the microsecond.
func same(a, b retry.Entry) bool {
	times := sameTime(a.At, b.At) && sameTime(a.First, b.First) && (a.Takes-b.Takes).Abs() < time.Microsecond
	return times && slices.Equal(a.TraceIDs, b.TraceIDs) && a.ID == b.ID && a.Key == b.Key && a.Fingerprint == b.Fingerprint &&
		a.Owner == b.Owner && a.Nonce == b.Nonce && a.State == b.State && a.Generation == b.Generation
}

// sameTime requires that the zero time, which means unknown, stays zero.
func sameTime(a, b time.Time) bool {
	return a.Sub(b).Abs() < time.Microsecond && a.Location() == b.Location() && a.IsZero() == b.IsZero()
}

// sample returns an operation that is about to be sent.
func sample(id string) retry.Entry {
	return retry.Entry{
		ID:          id,
		Key:         "main",
		Fingerprint: "9f86d081884c7d65",
		Owner:       "first",
		Nonce:       1_772_600_767_123_456,
		State:       retry.EntryOpen,
		At:          time.Date(2026, 3, 4, 5, 6, 7, 123_456_000, time.UTC),
		First:       time.Date(2026, 3, 3, 4, 5, 6, 654_321_000, time.UTC),
		Takes:       35*time.Second + 1234*time.Microsecond,
	}
}
