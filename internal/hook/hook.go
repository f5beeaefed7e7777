// Package hook runs the callbacks of users, so that nothing in them can harm a call: outside
// every lock, one at a time, in order, and with panics contained.
package hook

import (
	"fmt"
	"log/slog"
	"sync"
)

// Call runs f. A panic in f ends only f. It is logged by slog.Default() with the name of the
// hook and the type of the panic, never its value, which may contain anything. A
// runtime.Goexit in f is not stopped.
func Call(name string, f func()) {
	defer contain(name)
	f()
}

func contain(name string) {
	if p := recover(); p != nil {
		report(name, p)
	}
}

// report logs a panic. It ignores a panic of the log handler, which cannot be reported.
func report(name string, p any) {
	defer func() { _ = recover() }()
	slog.Default().Error("a hook panicked", "hook", name, "type", fmt.Sprintf("%T", p))
}

// Most is the maximum number of values that wait for a hook.
const Most = 1 << 14

// A Queue delivers values to a hook one at a time, in the order of the pushes. Call Push
// under the lock that orders the changes, and Drain when every lock is released. If more
// than Most values wait, because the hook hangs or nearly does, the oldest are dropped; the
// current state is among the rest. The zero Queue is ready and safe for concurrent use. It
// must not be copied.
type Queue[T any] struct {
	mu       sync.Mutex // guards what follows; never held while a hook runs
	pending  []T
	draining bool // a Drain is delivering, and will also deliver what is pushed in the meantime
	dropping bool // values were dropped since the queue was last empty
	unsaid   bool // this is not reported yet
}

// Push appends v to the values that wait.
func (q *Queue[T]) Push(v T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pending) == Most {
		q.pending = q.pending[1:]
		q.unsaid = q.unsaid || !q.dropping
		q.dropping = true
	}
	q.pending = append(q.pending, v)
}

// Drain passes the waiting values to f, as Call does, and returns when none is left. If
// another Drain is in progress, in another goroutine or further up the stack of this one, it
// delivers them, and Drain returns at once.
func (q *Queue[T]) Drain(name string, f func(T)) {
	if q.drops() {
		Call(name, func() { slog.Default().Error("a hook is too slow, so the oldest changes were dropped", "hook", name) })
	}
	for {
		v, ok := q.next()
		if !ok {
			return
		}
		q.deliver(name, f, v)
	}
}

// drops reports whether values were dropped, once each time that begins.
func (q *Queue[T]) drops() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	unsaid := q.unsaid
	q.unsaid = false
	return unsaid
}

// next claims the delivery of the first pending value.
func (q *Queue[T]) next() (v T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.draining || len(q.pending) == 0 {
		return v, false
	}
	v = q.pending[0]
	q.pending = q.pending[1:]
	if len(q.pending) == 0 {
		q.pending, q.dropping = nil, false // releases the delivered values
	}
	q.draining = true
	return v, true
}

// deliver returns the claim even if f ends the goroutine. The values that still wait are
// then delivered while the goroutine ends.
func (q *Queue[T]) deliver(name string, f func(T), v T) {
	returned := false
	defer func() {
		q.mu.Lock()
		q.draining = false
		q.mu.Unlock()
		if !returned {
			q.Drain(name, f)
		}
	}()
	Call(name, func() { f(v) })
	returned = true
}
