// Package hook runs what users hang onto this module, so that nothing it does can harm a call: outside every lock, one
// at a time, in order, its panics contained.
package hook

import (
	"fmt"
	"log/slog"
	"sync"
)

// Call runs f. A panic in it ends f and nothing else: it is reported to slog.Default() with the name of the hook and the
// type of the panic, never its value, which may hold anything. runtime.Goexit goes on its way.
func Call(name string, f func()) {
	defer contain(name)
	f()
}

func contain(name string) {
	if p := recover(); p != nil {
		report(name, p)
	}
}

// report survives a log handler that panics as well: there is nobody left to tell.
func report(name string, p any) {
	defer func() { _ = recover() }()
	slog.Default().Error("a hook panicked", "hook", name, "type", fmt.Sprintf("%T", p))
}

// Most is how many values wait for a hook at most.
const Most = 1 << 14

// A Queue delivers values to a hook one at a time, in the order of the pushes. Push
// while holding the lock that orders the changes, Drain when every lock is released.
// Of more than Most values, which wait only for a hook that hangs or nearly does, the
// oldest are dropped: what is true now is among the others. The zero Queue is ready
// and safe for concurrent use; it must not be copied.
type Queue[T any] struct {
	mu       sync.Mutex // guards what follows; never held while a hook runs
	pending  []T
	draining bool // somebody is delivering, and will deliver what is pushed meanwhile
	dropping bool // since the hook last had nothing left to hear
	unsaid   bool // that is still to be reported
}

// Push appends v to what waits for delivery.
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

// Drain passes what waits to f, contained as Call does it, and returns when nothing is left. If another Drain is under
// way, in another goroutine or further up this one's stack, Drain returns at once and that one delivers.
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

// drops reports, once, that values are being dropped.
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
		q.pending, q.dropping = nil, false // lets go of what was delivered
	}
	q.draining = true
	return v, true
}

// deliver gives the claim back even if f ends the goroutine; what still waits is then delivered on its way out.
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
