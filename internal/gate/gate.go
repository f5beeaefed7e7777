// Package gate bounds what is done at the same time.
package gate

import (
	"context"
	"sync"
)

// A Gate lets so many through at a time; a nil one lets everybody through. Make one
// with New. It is safe for concurrent use.
type Gate chan struct{}

// New returns a Gate for n at a time.
func New(n int) Gate { return make(Gate, n) }

// Enter waits for a place. It reports false, and the gate is not to be left, if
// ctx ended first.
func (g Gate) Enter(ctx context.Context) bool {
	if g == nil {
		return true
	}
	select { // a free place counts, also for a context that is over
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

// Leave lets the next one through.
func (g Gate) Leave() {
	if g != nil {
		<-g
	}
}

// Claims are names that are taken: of two with one name only the first gets it. The
// zero value is ready. It is safe for concurrent use.
type Claims struct {
	mu    sync.Mutex // guards taken
	taken map[string]struct{}
}

// Take reports whether name was free, and is taken now.
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

// A Keyed has a value for each key, made when it is first asked for. The zero value
// is ready. It is safe for concurrent use.
type Keyed[T any] struct {
	mu     sync.Mutex // guards values
	values map[string]*T
}

// Of returns that of key. init is run on a new one.
func (k *Keyed[T]) Of(key string, init func(*T)) *T {
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
