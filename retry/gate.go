package retry

import "context"

// A gate lets so many through at a time; a nil one lets everybody through.
type gate chan struct{}

// enter waits for a place. It reports false, and the gate is not to be left, if
// ctx ended first.
func (g gate) enter(ctx context.Context) bool {
	if g == nil {
		return true
	}
	select {
	case g <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// leave lets the next one through.
func (g gate) leave() {
	if g != nil {
		<-g
	}
}
