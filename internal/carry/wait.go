package carry

import "context"

// A Waiter is a context that holds something for the case that a call made with it
// ends, and has to give it up when the call goes on. A call runs BeforeWait, in its
// own goroutine, whenever it is about to wait, or to look what happened, between two
// sends.
type Waiter interface{ BeforeWait() }

// Wait runs that of ctx, if it is one. Contexts made from it are not: who keeps one
// of those may call at any time, from anywhere.
func Wait(ctx context.Context) {
	if w, ok := ctx.(Waiter); ok {
		w.BeforeWait()
	}
}
