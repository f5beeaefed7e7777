package carry

import "context"

// WaitKey is by which a context tells of a [Waiter].
type WaitKey struct{}

// A Waiter holds something for the case that a call ends, and has to give it up
// when the call goes on. A call runs BeforeWait, in its own goroutine, whenever it
// is about to wait, or to look what happened, between two sends.
type Waiter interface{ BeforeWait() }

// Wait runs that of ctx, if there is one.
func Wait(ctx context.Context) {
	if w, ok := ctx.Value(WaitKey{}).(Waiter); ok {
		w.BeforeWait()
	}
}
