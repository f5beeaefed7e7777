package journaltest

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// An Adversary is a [retry.PendingJournal] that fails in every way that the rules of
// [retry.Journal] allow: it keeps what it acknowledged, and everything else may go
// wrong. Several of them may share one Journal, as processes do. It is safe for
// concurrent use; its fields must not be changed after the first use.
type Adversary struct {
	Journal retry.Journal    // required: the journal that stores the entries
	Plan    func(Call) Fault // returns the fault of each call; not called concurrently. nil: no faults
	Delay   time.Duration    // duration of the slow calls; 0: 1 s

	mu       sync.Mutex // guards what follows, and calls of Plan
	calls    int
	inFlight []write
}

// A write is still to be stored after its caller got an error.
type write struct {
	due  int // stored before the call with this number
	land func()
}

// Begin calls Journal.Begin with the fault of the plan.
func (a *Adversary) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	e.TraceIDs = slices.Clone(e.TraceIDs) // it may be stored after Begin returned
	return a.suffer(ctx, "Begin", e, a.Journal.Begin)
}

// End calls Journal.End with the fault of the plan.
func (a *Adversary) End(ctx context.Context, e retry.Entry) error {
	e.TraceIDs = slices.Clone(e.TraceIDs)
	_, err := a.suffer(ctx, "End", e, func(ctx context.Context, e retry.Entry) (retry.Entry, error) {
		return retry.Entry{}, a.Journal.End(ctx, e)
	})
	return err
}

// Pending yields the entries of Journal.Pending; the fault of the plan comes before
// the first entry. If Journal has no Pending, it yields an error that wraps
// [errors.ErrUnsupported].
func (a *Adversary) Pending(ctx context.Context) iter.Seq2[retry.Entry, error] {
	return func(yield func(retry.Entry, error) bool) {
		lister, ok := a.Journal.(retry.PendingJournal)
		if !ok {
			yield(retry.Entry{}, errors.ErrUnsupported)
			return
		}
		_, err := a.suffer(ctx, "Pending", retry.Entry{}, func(ctx context.Context, _ retry.Entry) (retry.Entry, error) {
			return retry.Entry{}, ctx.Err()
		})
		if err != nil {
			yield(retry.Entry{}, err)
			return
		}
		lister.Pending(ctx)(yield)
	}
}

// Crash discards the writes in flight, like the end of a process.
func (a *Adversary) Crash() { a.takeDue(func(write) bool { return true }) }

// Land stores the writes in flight.
func (a *Adversary) Land() { land(a.takeDue(func(write) bool { return true })) }

// suffer makes one call with the fault of the plan.
func (a *Adversary) suffer(ctx context.Context, method string, e retry.Entry, do func(context.Context, retry.Entry) (retry.Entry, error)) (retry.Entry, error) {
	number, fault := a.next(method, e)
	land(a.takeDue(func(w write) bool { return w.due <= number }))
	switch fault {
	case FailBefore:
		return retry.Entry{}, ErrFault
	case FailInFlight:
		a.launch(number, func() { _, _ = do(context.WithoutCancel(ctx), e) })
		return retry.Entry{}, ErrFault
	case Slow:
		if err := a.wait(ctx); err != nil {
			return retry.Entry{}, err
		}
	case Cancel:
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		ctx = cancelled
	}
	held, err := do(ctx, e)
	switch {
	case err == nil && fault == FailAfter:
		err = ErrFault
	case err == nil && fault == SlowAnswer:
		err = a.wait(ctx)
	}
	if err != nil {
		return retry.Entry{}, err
	}
	return held, nil
}

// next counts a call and returns its fault.
func (a *Adversary) next(method string, e retry.Entry) (number int, fault Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	if a.Plan != nil {
		fault = a.Plan(Call{a.calls, method, e})
	}
	return a.calls, fault
}

func (a *Adversary) launch(number int, store func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inFlight = append(a.inFlight, write{due: number + 1 + number%3, land: store})
}

// takeDue removes and returns the writes that are due.
func (a *Adversary) takeDue(due func(write) bool) (taken []write) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inFlight = slices.DeleteFunc(a.inFlight, func(w write) bool {
		if due(w) {
			taken = append(taken, w)
			return true
		}
		return false
	})
	return taken
}

func land(writes []write) {
	for _, w := range writes {
		w.land()
	}
}

func (a *Adversary) wait(ctx context.Context) error {
	timer := time.NewTimer(cmp.Or(a.Delay, time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
