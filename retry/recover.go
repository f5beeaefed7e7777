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
// [PendingJournal]. find returns the operation of an entry, the one with its ID, or false
// to leave that alone: another process is at it, say, or holds its key, see [OfHeldKeys].
// What is left alone is not reported. find is called for one entry after another. One that should be looked up but not sent again gets
// a Send that returns an error with a method NotSent() bool that says so: after any
// other it would have to be looked up once more.
//
// The results come in the order in which the journal listed the operations. An
// error says that the listing failed, or that ctx ended it; what was listed before
// that is finished all the same. An operation that panics or exits is reported with
// [ErrOutcomeUnknown]; the others go on. Recover returns when every operation is
// through. Those that did not happen take Settle and a little more, and two lookups
// each: ten thousand operations wait together, with some 19 kB each, and at most 32 of
// them ask the journal, look or send at a time. A hundred thousand take ten times as
// long as ten thousand. On one key lookups go out one by one, so that 10,000 that
// take 50 ms each take a quarter of an hour. [RecoverEach] shows how far it has come.
//
// Run it before new work begins, in one process at a time: two that recover the
// same journal are safe, but get [ErrBusy] from each other.
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

// RecoverEach is [Recover] that calls each with every operation as soon as it is
// through, and keeps no results: for progress, and for journals with more open
// operations than should be in memory. However many those are, it takes what ten
// thousand that wait do: some 110 MB, and at its peak as much again that waits for the
// garbage collector.
//
// each is called on the goroutine of the caller, so never twice at a time, and not
// in the order of the listing. It may take its time: when ten thousand operations
// wait for it, no further one is begun. A panic in each is reported to
// slog.Default(), with its type alone, and the next operation follows. If each ends
// the goroutine ([runtime.Goexit], as FailNow of a test does), the operations under
// way are ended as if ctx were over, and stay open.
func RecoverEach[T any](ctx context.Context, r *Retrier, journal Journal, find func(Entry) (op Operation[T], ok bool), each func(Recovered[T]), opts ...Option) error {
	if each == nil {
		return errors.New("retry: RecoverEach needs a function to call with each operation")
	}
	return sweep(ctx, r, journal, find, func(one through[T]) {
		hook.Call("retry.RecoverEach", func() { each(one.Recovered) })
	}, opts)
}

// OfHeldKeys is an option of [Recover] for processes that share API keys: it leaves alone
// what was sent with a key that r's nonce source does not give turns on (a source that has a
// method Holds(key string) bool, as lanes, pools and leases do), or that is not Config.Key
// where there is no source. Whoever holds that key finishes it. An entry without a key is
// everybody's. Other calls take no notice of it.
func OfHeldKeys() Option { return Option{kind: optHeld} }

// leaves reports whether the entry is for another process to finish.
func (r *Retrier) leaves(e *Entry, opts []Option) bool {
	if e.Key == "" || find(opts, optHeld) == nil {
		return false
	}
	if r.nonces == nil {
		return e.Key != r.key
	}
	source, ok := r.nonces.(interface{ Holds(key string) bool })
	return ok && !source.Holds(e.Key)
}

// sweep calls each, on this goroutine, with every operation that is through.
func sweep[T any](ctx context.Context, r *Retrier, journal Journal, find func(Entry) (Operation[T], bool), each func(through[T]), opts []Option) error {
	if err := r.unusable(ctx, true); err != nil {
		return err
	}
	pending, ok := journal.(PendingJournal)
	switch {
	case !ok:
		return errors.New("retry: Recover needs a journal that lists what is open, a PendingJournal")
	case find == nil:
		return errors.New("retry: Recover needs a function that finds the operation")
	}
	find = inTurn(find)
	with := *r
	with.journal = journal
	with.reads, with.ends, with.sends = gate.New(recoverBusy), gate.New(recoverBusy), gate.New(recoverBusy)
	ctx, stop := context.WithCancel(ctx)
	results := make(chan through[T])
	failed := error(&journalError{errJournalExited}) // unless it returns
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

// inTurn is find, called by one at a time.
func inTurn[T any](find func(Entry) (Operation[T], bool)) func(Entry) (Operation[T], bool) {
	turn := make(chan struct{}, 1)
	return func(e Entry) (Operation[T], bool) {
		turn <- struct{}{}
		defer func() { <-turn }() // whatever becomes of it
		return find(e)
	}
}

// through is an operation that Recover is through with, and its place in the listing.
type through[T any] struct {
	n int
	Recovered[T]
}

// finishAll has all that is listed finished, each on a goroutine that keeps its slot
// until somebody takes the result, and returns when all are.
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

// list passes on what is open until the journal or ctx ends, or a panic in the
// journal.
func list(ctx context.Context, pending PendingJournal, each func(Entry) bool) (failed error) {
	defer func() {
		if value := recover(); value != nil {
			failed = &journalError{&insist.PanicError{Where: "the journal", Kind: fmt.Sprintf("%T", value)}}
		}
	}()
	for entry, err := range pending.Pending(ctx) {
		switch {
		case err != nil && ctx.Err() != nil:
			return stoppedBy(ctx, &journalError{err})
		case err != nil:
			return &journalError{err}
		case ctx.Err() != nil || !each(entry):
			return stoppedBy(ctx, nil)
		}
	}
	return nil
}

// finish finishes the operation of an entry and reports it, unless it is left alone. Should
// it panic or exit, here where no caller of its own could deal with that, it is as unknown
// as before.
func finish[T any](ctx context.Context, r *Retrier, e Entry, find func(Entry) (Operation[T], bool), report func(Recovered[T]), opts []Option) {
	one, alone := Recovered[T]{ID: e.ID, Err: left(e.ID, errExited)}, false
	defer func() {
		if p := recover(); p != nil {
			one.Err = left(e.ID, &insist.PanicError{Where: "the operation", Kind: fmt.Sprintf("%T", p)})
		}
		if !alone {
			report(one)
		}
	}()
	op, ok := find(e)
	if alone = !ok; alone {
		return
	}
	one.Value, one.Err = recoverOne(ctx, r, e.ID, op, opts)
	if one.Err != nil && !isCall(one.Err) { // a mistake in the operation: it is as open as before
		one.Err = left(e.ID, &mistake{one.Err})
	}
}

// A mistake is one in the program, in words of ours.
type mistake struct{ error }

func (m *mistake) SafeError() string { return m.Error() }

var (
	errExited        = &reason{text: "the operation ended its goroutine"}
	errJournalExited = &reason{text: "the journal ended its goroutine"}
)

// left is the error of an operation that was left in the middle.
func left(id string, why error) error {
	return &Error{Reason: ErrOutcomeUnknown, ID: id, Doubt: &Doubt{ID: id, Blocked: why}}
}

func recoverOne[T any](ctx context.Context, r *Retrier, id string, op Operation[T], opts []Option) (T, error) {
	if op.ID != "" && op.ID != id {
		var zero T
		return zero, fmt.Errorf("retry: Recover was given the operation %q for %q", op.ID, id)
	}
	op.ID = id
	return DoOnce(ctx, r, op, opts...)
}
