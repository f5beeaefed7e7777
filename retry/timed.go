package retry

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A timed is the mark of an attempt with a timeout: one context that carries ticket,
// attempt and deadline. It creates what is needed to wait for its end only when Done is
// called, which an operation that returns at once never does. It is a [carry.Lasting].
type timed struct {
	mark
	until time.Time // end of the attempt
	cause error     // of the context when the time is up

	live  atomic.Pointer[living] // nil: nobody has waited for the end
	mu    sync.Mutex             // guards what follows, and storing live
	ended bool                   // by whoever may end it
	taken bool                   // taken over by the reader of the answer

	adoptable bool // it may be taken over: set before it is used
}

// A living is a context that can be waited for.
type living struct {
	context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer // nil: the context has its own, or needs none
}

// Deadline returns the end of the attempt, or the deadline of the surrounding context if
// that is earlier.
func (t *timed) Deadline() (time.Time, bool) {
	around, ok := t.mark.Context.Deadline()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken || ok && around.Before(t.until) {
		return around, ok
	}
	return t.until, true
}

// Done returns a channel that is closed when the attempt or its time ends.
func (t *timed) Done() <-chan struct{} { return t.lively().Done() }

// Err returns context.DeadlineExceeded when the time is up, and context.Canceled after the
// attempt.
func (t *timed) Err() error {
	l := t.live.Load()
	if l == nil {
		if t.mark.Context.Err() == nil && !t.ends() {
			return nil
		}
		l = t.lively()
	}
	err := l.Err()
	if t.adoptable && err == context.Canceled && context.Cause(l) == t.cause {
		return context.DeadlineExceeded
	}
	return err
}

// ends reports whether it was ended, or its time is up.
func (t *timed) ends() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended || !t.taken && time.Until(t.until) <= 0
}

// Value returns the mark's value; package context uses it to find the canceler.
func (t *timed) Value(key any) any {
	if v, own := t.mark.own(key); own {
		return v
	}
	if l := t.live.Load(); l != nil {
		return l.Value(key)
	}
	return t.mark.Context.Value(key)
}

// lively returns the context that can be waited for.
func (t *timed) lively() *living {
	if l := t.live.Load(); l != nil {
		return l
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.live.Load(); l != nil {
		return l
	}
	l := t.living()
	t.live.Store(l)
	return l
}

func (t *timed) living() *living {
	l := new(living)
	if t.ended { // whatever became of its caller since
		l.Context, l.cancel = context.WithCancelCause(context.WithoutCancel(t.mark.Context))
		l.cancel(nil)
		return l
	}
	around := t.mark.Context
	if t.overtook(around) {
		around = context.WithoutCancel(around)
	}
	if !t.adoptable {
		ctx, cancel := context.WithDeadlineCause(around, t.until, t.cause)
		l.Context, l.cancel = ctx, func(error) { cancel() }
		return l
	}
	// A deadline cannot be taken back. Contexts made from this one call its end a
	// cancellation, whose cause says more.
	l.Context, l.cancel = context.WithCancelCause(around)
	if t.taken {
		return l
	}
	if left := time.Until(t.until); left > 0 {
		l.timer = time.AfterFunc(left, t.expire)
	} else {
		l.cancel(t.cause)
	}
	return l
}

// overtook reports whether the attempt's time was up before that of the surrounding
// context, where both are.
func (t *timed) overtook(around context.Context) bool {
	if around.Err() != context.DeadlineExceeded || t.taken {
		return false
	}
	deadline, ok := around.Deadline()
	return ok && !deadline.Before(t.until)
}

func (t *timed) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.taken && !t.ended {
		t.live.Load().cancel(t.cause)
	}
}

// done ends it with the attempt, unless it was taken over.
func (t *timed) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mark.over.Store(true)
	if !t.taken {
		t.end(nil)
	}
}

// Adopt implements [carry.Lasting].
func (t *timed) Adopt() { t.adoptable = true }

// Outlive implements [carry.Lasting].
func (t *timed) Outlive() bool {
	if t.Err() != nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.live.Load()
	if t.ended || l != nil && l.Err() != nil {
		return false
	}
	t.taken = true
	if l != nil && l.timer != nil {
		l.timer.Stop()
	}
	return true
}

// End implements [carry.Lasting].
func (t *timed) End(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end(cause)
}

func (t *timed) end(cause error) {
	l := t.live.Load()
	if l == nil && t.mark.Context.Err() != nil { // that came first
		l = t.living()
		t.live.Store(l)
	}
	t.ended = true
	if l == nil {
		return
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	l.cancel(cause)
}
