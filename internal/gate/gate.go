// Package gate limits how many goroutines do something at the same time.
package gate

import (
	"context"
	"sync"
)

// A Gate is a semaphore. A nil Gate has no limit. It is safe for concurrent use.
type Gate chan struct{}

// New returns a Gate that lets n goroutines through at a time.
func New(n int) Gate { return make(Gate, n) }

// Enter waits for a free slot, and reports whether it got one. It reports false if ctx
// ended first; do not call Leave then.
func (g Gate) Enter(ctx context.Context) bool {
	if g == nil {
		return true
	}
	select { // a free slot is taken even if ctx has ended
	case g <- struct{}{}:
		return true
	default:
	}
	select {
	case g <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// Leave frees the slot.
func (g Gate) Leave() {
	if g != nil {
		<-g
	}
}

// Claims is a set of names, each of which one goroutine holds. The zero value is ready. It
// is safe for concurrent use.
type Claims struct {
	mu    sync.Mutex // guards taken
	taken map[string]struct{}
}

// Take claims name, and reports whether it was free.
func (c *Claims) Take(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken := c.taken[name]; taken {
		return false
	}
	if c.taken == nil {
		c.taken = make(map[string]struct{})
	}
	c.taken[name] = struct{}{}
	return true
}

// Free gives name back.
func (c *Claims) Free(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.taken, name)
}

// Keyed is a Gate for each key. A gate that nobody has entered or waits for is dropped. It
// is safe for concurrent use.
type Keyed struct {
	Most int // at a time, for each key

	mu    sync.Mutex // guards gates
	gates map[string]*counted
}

// A counted gate knows how many are inside or wait.
type counted struct {
	Gate
	n int
}

// Enter waits for a place at the gate of key. It reports false if ctx ended first; then
// Leave must not be called.
func (k *Keyed) Enter(ctx context.Context, key string) bool {
	k.mu.Lock()
	g := k.gates[key]
	if g == nil {
		if k.gates == nil {
			k.gates = make(map[string]*counted)
		}
		g = &counted{Gate: New(k.Most)}
		k.gates[key] = g
	}
	g.n++
	k.mu.Unlock()
	entered := false
	defer func() {
		if !entered {
			k.done(key)
		}
	}()
	entered = g.Gate.Enter(ctx)
	return entered
}

// Leave lets the next one through.
func (k *Keyed) Leave(key string) { k.done(key).Gate.Leave() }

// done counts one less at the gate of key, and returns the gate.
func (k *Keyed) done(key string) *counted {
	k.mu.Lock()
	defer k.mu.Unlock()
	g := k.gates[key]
	if g.n--; g.n == 0 {
		delete(k.gates, key)
	}
	return g
}
