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

// An Adversary is a [retry.PendingJournal] that treats its callers as badly as the
// rules of [retry.Journal] allow: what it acknowledged is kept, and all else may go
// wrong. Several of them may share one Journal, as processes do. It is safe for
// concurrent use; its fields must not be changed once it is in use.
type Adversary struct {
	Journal retry.Journal    // required: what the entries are kept in
	Plan    func(Call) Fault // what befalls each call; called by one at a time. nil: nothing ever
	Delay   time.Duration    // of the slow calls; 0: 1 s

	mu       sync.Mutex // guards what follows, and calls of Plan
	calls    int
	inFlight []write
}

// A write is on its way to the journal after its caller was told of an error.
type write struct {
	due  int // the number of the call that it comes before
	land func()
}

// Begin calls Journal.Begin, and suffers what the plan says.
func (a *Adversary) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	e.TraceIDs = slices.Clone(e.TraceIDs) // it may be stored after the caller went on
	return a.suffer(ctx, "Begin", e, a.Journal.Begin)
}

// End calls Journal.End, and suffers what the plan says.
func (a *Adversary) End(ctx context.Context, e retry.Entry) error {
	e.TraceIDs = slices.Clone(e.TraceIDs)
	_, err := a.suffer(ctx, "End", e, func(ctx context.Context, e retry.Entry) (retry.Entry, error) {
		return retry.Entry{}, a.Journal.End(ctx, e)
	})
	return err
}

// Pending yields what Journal's does, and suffers what the plan says before the
// first entry. If Journal has no Pending, it yields an error that wraps
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

// Crash loses what is in flight, as the end of a process does.
func (a *Adversary) Crash() { a.takeDue(func(write) bool { return true }) }

// Land stores what is in flight.
func (a *Adversary) Land() { land(a.takeDue(func(write) bool { return true })) }

// suffer does to one call what the plan says.
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

// next numbers a call and asks the plan about it.
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

// takeDue takes out of flight what is due.
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
