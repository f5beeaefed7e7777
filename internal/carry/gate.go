package carry

import (
	"context"
	"sync"
)

// A Gate lets one through at a time, in the order of their coming. Its zero value
// is open, and takes no memory for the many that nobody ever comes to.
type Gate struct {
	once sync.Once
	slot chan struct{}
}

// Enter waits until the gate is free. It reports false, and the gate is not to be
// left, if ctx ended first.
func (g *Gate) Enter(ctx context.Context) bool {
	g.once.Do(func() { g.slot = make(chan struct{}, 1) })
	select {
	case g.slot <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// Leave lets the next one through.
func (g *Gate) Leave() { <-g.slot }
