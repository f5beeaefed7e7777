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

// Keyed has one value per key, made when it is first used. The zero value is ready. It is
// safe for concurrent use.
type Keyed[T any] struct {
	mu     sync.Mutex // guards values
	values map[string]*T
}

// Get returns the value of key. It calls init on a new value, under its lock.
func (k *Keyed[T]) Get(key string, init func(*T)) *T {
	k.mu.Lock()
	defer k.mu.Unlock()
	v := k.values[key]
	if v == nil {
		v = new(T)
		init(v)
		if k.values == nil {
			k.values = make(map[string]*T)
		}
		k.values[key] = v
	}
	return v
}
