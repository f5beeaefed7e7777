package retry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/nexpay-go/resilience/internal/gate"
	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/internal/insist"
)

// A Recovered is the result of an operation that an earlier process left open.
type Recovered[T any] struct {
	ID    string
	Value T
	Err   error // as returned by DoOnce; nil if it happened and Value is available
}

// Limits of Recover: how many operations it holds at a time, most of which wait and
// take a few kilobytes, and how many of those use the journal, look up or send at a
// time.
const (
	recoverAtOnce = 10_000
	recoverBusy   = 32
)

// Recover finishes the operations that a crash left open in the journal, each with
// [DoOnce]: it finds out what happened, and sends what did not. Run it at start-up, before
// new work begins. Run it in one process at a time: two that recover the same journal are
// safe, but get [ErrBusy] from each other.
//
// journal replaces the Retrier's own journal and must be a [PendingJournal]. find returns
// the operation of an entry, which has the entry's ID. It returns false to skip the entry,
// for example because another process works on it or holds its key, see [OfHeldKeys];
// skipped entries are not reported. find is called for one entry at a time. For an
// operation that must be looked up but not sent again, find returns a Send that returns an
// error with a method NotSent() bool that is true: after any other error the operation
// would be in doubt once more.
//
// The results are in the order in which the journal listed the operations. Recover returns
// when all operations have finished. An error says that the listing failed or that ctx
// ended; operations listed before that are finished nevertheless. An operation that panics
// or exits is reported with [ErrOutcomeUnknown], and the others go on.
//
// An operation that did not happen takes a little more than Settle, and two lookups.
// Recover works on ten thousand operations at a time, each of which takes some 19 kB while
// it waits; at most 32 of them use the journal, look up or send at a time. A hundred
// thousand take ten times as long. Lookups on one key run one at a time, so 10,000
// operations with lookups of 50 ms take a quarter of an hour. Use [RecoverEach] to see the
// progress.
func Recover[T any](ctx context.Context, r *Retrier, journal Journal, find func(Entry) (op Operation[T], ok bool), opts ...Option) ([]Recovered[T], error) {
	var all []through[T]
	err := sweep(ctx, r, journal, find, func(one through[T]) { all = append(all, one) }, opts)
	slices.SortFunc(all, func(a, b through[T]) int { return cmp.Compare(a.n, b.n) })
	results := make([]Recovered[T], len(all))
	for i := range all {
		results[i] = all[i].Recovered
	}
	return results, err
}

// RecoverEach is [Recover] that calls each with every result as soon as it is available
// and keeps no results. It is for progress reports, and for journals with more open
// operations than should be in memory. Its memory does not grow with their number: it
// needs some 190 MB for the ten thousand operations that it works on, and at its peak
// some 100 MB more that wait for the garbage collector.
//
// each runs on the caller's goroutine, never twice at a time, and not in the order of the
// listing. It may be slow: while ten thousand results wait for it, no other operation
// begins. A panic in each is logged to slog.Default(), with its type only, and the next
// result follows. If each ends the goroutine ([runtime.Goexit], as FailNow of a test does),
// the running operations end as if ctx had ended, and stay open.
func RecoverEach[T any](ctx context.Context, r *Retrier, journal Journal, find func(Entry) (op Operation[T], ok bool), each func(Recovered[T]), opts ...Option) error {
	if each == nil {
		return errors.New("retry: RecoverEach needs an each function")
	}
	return sweep(ctx, r, journal, find, func(one through[T]) {
		hook.Call("retry.RecoverEach", func() { each(one.Recovered) })
	}, opts)
}

// OfHeldKeys is an option of [Recover] and [RecoverEach] for processes that share API keys.
// It skips entries of keys that this process does not hold: keys for which Holds(key
// string) bool of the nonce source is false (lanes, pools and leases have that method), or,
// without a nonce source, keys other than Config.Key. The process that holds the key
// finishes those. Entries without a key are never skipped. Other calls ignore the option.
func OfHeldKeys() Option { return Option{kind: optHeld} }

// leaves reports whether another process must finish the entry.
func (r *Retrier) leaves(e *Entry, opts []Option) bool {
	if e.Key == "" || find(opts, optHeld) == &noOption {
		return false
	}
	if r.nonces == nil {
		return e.Key != r.key
	}
	source, ok := r.nonces.(interface{ Holds(key string) bool })
	return ok && !source.Holds(e.Key)
}

// sweep calls each, on this goroutine, with every result.
func sweep[T any](ctx context.Context, r *Retrier, journal Journal, find func(Entry) (Operation[T], bool), each func(through[T]), opts []Option) error {
	if err := r.unusable(ctx, true); err != nil {
		return err
	}
	pending, ok := journal.(PendingJournal)
	switch {
	case !ok:
		return errors.New("retry: Recover needs a PendingJournal, which lists open operations")
	case find == nil:
		return errors.New("retry: Recover needs a find function")
	}
	find = inTurn(find)
	with := *r
	with.journal = journal
	with.reads, with.ends, with.sends = gate.New(recoverBusy), gate.New(recoverBusy), gate.New(recoverBusy)
	ctx, stop := context.WithCancel(ctx)
	results := make(chan through[T])
	failed := journalError(errJournalExited) // unless it returns
	go func() {
		defer close(results)
		finishAll(ctx, pending, results, &failed, func(e Entry, report func(Recovered[T])) {
			if !with.leaves(&e, opts) {
				finish(ctx, &with, e, find, report, opts)
			}
		})
	}()
	defer func() { // each may have ended this goroutine
		stop()
		for range results {
		}
	}()
	for one := range results {
		each(one)
	}
	return failed
}

// inTurn returns find, called for one entry at a time.
func inTurn[T any](find func(Entry) (Operation[T], bool)) func(Entry) (Operation[T], bool) {
	turn := make(chan struct{}, 1)
	return func(e Entry) (Operation[T], bool) {
		turn <- struct{}{}
		defer func() { <-turn }() // whatever becomes of it
		return find(e)
	}
}

// A through is a finished operation, and its place in the listing.
type through[T any] struct {
	n int
	Recovered[T]
}

// finishAll finishes all listed operations, each on a goroutine that keeps its slot until
// its result is taken. It returns when all have finished.
func finishAll[T any](ctx context.Context, pending PendingJournal, results chan<- through[T], failed *error, finish func(e Entry, report func(Recovered[T]))) {
	var group sync.WaitGroup
	defer group.Wait()
	slots := gate.New(recoverAtOnce)
	listed := 0
	*failed = list(ctx, pending, func(e Entry) bool {
		if !slots.Enter(ctx) {
			return false
		}
		n := listed
		listed++
		group.Go(func() {
			defer slots.Leave()
			finish(e, func(one Recovered[T]) { results <- through[T]{n, one} })
		})
		return true
	})
}

// list yields the open entries until the journal or ctx ends, or the journal panics.
func list(ctx context.Context, pending PendingJournal, each func(Entry) bool) (failed error) {
	defer func() {
		if value := recover(); value != nil {
			failed = journalError(&insist.PanicError{Where: "the journal", Kind: fmt.Sprintf("%T", value)})
		}
	}()
	for entry, err := range pending.Pending(ctx) {
		switch {
		case err != nil && ctx.Err() != nil:
			return stoppedBy(ctx, journalError(err))
		case err != nil:
			return journalError(err)
		case ctx.Err() != nil || !each(entry):
			return stoppedBy(ctx, nil)
		}
	}
	return nil
}

// finish finishes the operation of an entry and reports it, unless it is skipped. If the
// operation panics or exits, its outcome stays unknown.
func finish[T any](ctx context.Context, r *Retrier, e Entry, find func(Entry) (Operation[T], bool), report func(Recovered[T]), opts []Option) {
	one, skipped := Recovered[T]{ID: e.ID, Err: left(e.ID, errExited)}, false
	defer func() {
		if p := recover(); p != nil {
			one.Err = left(e.ID, &insist.PanicError{Where: "the operation", Kind: fmt.Sprintf("%T", p)})
		}
		if !skipped {
			report(one)
		}
	}()
	op, ok := find(e)
	if skipped = !ok; skipped {
		return
	}
	one.Value, one.Err = recoverOne(ctx, r, e.ID, op, opts)
	if one.Err != nil && !isCall(one.Err) { // a mistake in the operation: it is as open as before
		one.Err = left(e.ID, &reason{text: one.Err.Error()}) // a text of this package's
	}
}

var (
	errExited        = &reason{text: "the operation ended its goroutine"}
	errJournalExited = &reason{text: "the journal ended its goroutine"}
)

// left returns the error of an operation that was interrupted.
func left(id string, why error) error {
	return &Error{Reason: ErrOutcomeUnknown, ID: id, Doubt: &Doubt{ID: id, Blocked: why}}
}

func recoverOne[T any](ctx context.Context, r *Retrier, id string, op Operation[T], opts []Option) (T, error) {
	if op.ID != "" && op.ID != id {
		var zero T
		return zero, fmt.Errorf("retry: find returned the operation %q for the entry %q", op.ID, id)
	}
	op.ID = id
	return DoOnce(ctx, r, op, opts...)
}
