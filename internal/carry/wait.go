package carry

import "context"

// Waiter is implemented by a context that keeps something while a call made with it may
// end, and must give it up when the call continues. The call runs BeforeWait, in its own
// goroutine, before each wait and each lookup between two sends.
type Waiter interface{ BeforeWait() }

// BeforeWait calls the BeforeWait of ctx, if it is a Waiter. A context derived from a
// Waiter is none: calls with it may come at any time and from any goroutine.
func BeforeWait(ctx context.Context) {
	if w, ok := ctx.(Waiter); ok {
		w.BeforeWait()
	}
}
