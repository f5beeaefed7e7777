package retry

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nexpay-go/resilience/internal/gate"
	"github.com/nexpay-go/resilience/internal/insist"
)

// Recovered is what became of an operation that an earlier process had left open.
type Recovered[T any] struct {
	ID    string
	Value T
	Err   error // as of DoOnce; nil if it happened and Value is there
}

// How many operations Recover works on together: most of the time they wait, and
// take a few kilobytes for that. What is bounded besides is how many of them ask the
// journal, look, or send at a time.
const (
	recoverAtOnce = 10_000
	recoverBusy   = 32
)

// Recover goes through what a crash left open in the journal, at start-up, and
// finishes each with [DoOnce]: what happened is found out, and what did not is
// sent again. The journal takes the place of r's own in that; it has to be a
// [PendingJournal]. find returns the operation with that ID; it may be called
// from several goroutines. One that should be looked up but not sent again gets
// a Send that returns an error with a method NotSent() bool that says so: after any
// other it would have to be looked up once more.
//
// The results come in the order in which the journal listed the operations. An
// error says that the listing failed, or that ctx ended it; what was listed before
// that is finished all the same. An operation that panics or exits is reported with
// [ErrOutcomeUnknown]; the others go on. Recover returns when every operation is
// through. Those that did not happen take Settle and a little more, and two lookups
// each: ten thousand operations wait together, with some 15 kB each, and at most 32 of
// them ask the journal, look or send at a time. On one key lookups go out one by
// one, so that 10,000 that take 50 ms each take a quarter of an hour.
//
// Run it before new work begins, in one process at a time: two that recover the
// same journal are safe, but get [ErrBusy] from each other.
func Recover[T any](ctx context.Context, r *Retrier, journal Journal, find func(id string) Operation[T], opts ...Option) ([]Recovered[T], error) {
	if r == nil {
		return nil, errNil(r)
	}
	pending, ok := journal.(PendingJournal)
	switch {
	case !ok:
		return nil, errors.New("retry: Recover needs a journal that lists what is open, a PendingJournal")
	case find == nil:
		return nil, errors.New("retry: Recover needs a function that finds the operation")
	}
	with := *r
	with.journal = journal
	with.reads, with.ends, with.sends = gate.New(recoverBusy), gate.New(recoverBusy), gate.New(recoverBusy)
	var results []*Recovered[T]
	var group sync.WaitGroup
	slots := gate.New(recoverAtOnce)
	failed := list(ctx, pending, func(id string) bool {
		if !slots.Enter(ctx) {
			return false
		}
		result := &Recovered[T]{ID: id}
		results = append(results, result)
		group.Go(func() {
			defer slots.Leave()
			result.finish(ctx, &with, find, opts)
		})
		return true
	})
	group.Wait()
	all := make([]Recovered[T], len(results))
	for i, result := range results {
		all[i] = *result
	}
	return all, failed
}

// list passes on what is open until the journal or ctx ends, or a panic in the
// journal.
func list(ctx context.Context, pending PendingJournal, each func(id string) bool) (failed error) {
	defer func() {
		if value := recover(); value != nil {
			failed = &journalError{&insist.PanicError{Where: "the journal", Kind: fmt.Sprintf("%T", value)}}
		}
	}()
	for entry, err := range pending.Pending(ctx) {
		switch {
		case err != nil:
			return &journalError{err}
		case ctx.Err() != nil || !each(entry.ID):
			return stoppedBy(ctx, nil)
		}
	}
	return nil
}

// finish finishes the operation. Should it panic or exit, here where no caller of
// its own could deal with that, it is as unknown as before.
func (one *Recovered[T]) finish(ctx context.Context, r *Retrier, find func(string) Operation[T], opts []Option) {
	defer func() {
		if p := recover(); p != nil {
			one.Err = left(one.ID, &insist.PanicError{Where: "the operation", Kind: fmt.Sprintf("%T", p)})
		}
	}()
	one.Err = left(one.ID, errExited)
	one.Value, one.Err = recoverOne(ctx, r, one.ID, find, opts)
	if one.Err != nil && !isCall(one.Err) { // a mistake in the operation: it is as open as before
		one.Err = left(one.ID, &mistake{one.Err})
	}
}

// A mistake is one in the program, in words of ours.
type mistake struct{ error }

func (m *mistake) SafeError() string { return m.Error() }

var errExited = &reason{text: "the operation ended its goroutine"}

// left is the error of an operation that was left in the middle.
func left(id string, why error) error {
	return &Error{Reason: ErrOutcomeUnknown, ID: id, Doubt: &Doubt{ID: id, Blocked: why}}
}

func recoverOne[T any](ctx context.Context, r *Retrier, id string, find func(string) Operation[T], opts []Option) (T, error) {
	op := find(id)
	if op.ID != "" && op.ID != id {
		var zero T
		return zero, fmt.Errorf("retry: Recover was given the operation %q for %q", op.ID, id)
	}
	op.ID = id
	return DoOnce(ctx, r, op, opts...)
}
