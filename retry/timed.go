package retry

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A timed is the mark of an attempt that has a time: the one context that carries
// ticket, attempt and deadline. What it takes to wait for its end is made when
// somebody asks for Done, which those who answer at once never do. It is a
// [carry.Lasting].
type timed struct {
	mark
	until time.Time // for the attempt
	cause error     // of the end that comes then

	live  atomic.Pointer[living] // nil: nobody has waited for the end
	mu    sync.Mutex             // guards what follows, and storing live
	ended bool                   // by who may
	taken bool                   // by who reads the answer
}

// A living is a context that can be waited for.
type living struct {
	context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer // nil: none is needed
}

// Deadline is that of the attempt, or of the context around it if that is earlier.
func (t *timed) Deadline() (time.Time, bool) {
	around, ok := t.mark.Context.Deadline()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken || ok && around.Before(t.until) {
		return around, ok
	}
	return t.until, true
}

// Done is closed when the attempt ends, or its time.
func (t *timed) Done() <-chan struct{} { return t.lively().Done() }

// Err is context.DeadlineExceeded when the time is up, and context.Canceled after the
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
	if err == context.Canceled && context.Cause(l) == t.cause {
		return context.DeadlineExceeded
	}
	return err
}

// ends reports whether it has been ended, or its time is up.
func (t *timed) ends() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended || !t.taken && time.Until(t.until) <= 0
}

// Value is that of the mark; package context finds who cancels it.
func (t *timed) Value(key any) any {
	if v, own := t.mark.own(key); own {
		return v
	}
	if l := t.live.Load(); l != nil {
		return l.Value(key)
	}
	return t.mark.Context.Value(key)
}

// lively returns what can be waited for.
func (t *timed) lively() *living {
	if l := t.live.Load(); l != nil {
		return l
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.live.Load(); l != nil {
		return l
	}
	l := new(living)
	l.Context, l.cancel = context.WithCancelCause(t.mark.Context)
	left := time.Until(t.until)
	switch {
	case t.ended:
		l.cancel(nil)
	case t.taken:
	case left <= 0:
		l.cancel(t.cause)
	default:
		l.timer = time.AfterFunc(left, t.expire)
	}
	t.live.Store(l)
	return l
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

// Outlive is as [carry.Lasting] has it.
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

// End is as [carry.Lasting] has it.
func (t *timed) End(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end(cause)
}

func (t *timed) end(cause error) {
	t.ended = true
	l := t.live.Load()
	if l == nil {
		return
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	l.cancel(cause)
}
