package wire

import (
	"context"
	"time"
)

// Heed returns a context that ends as well when the channel of a Request.Cancel is closed,
// which is the caller's wish: its cause is context.Canceled. An http.Client with a Timeout
// closes it as well when the time is up, and has set a deadline for that, which says so
// better. The context has to be ended, by the function or by ctx.
func Heed(ctx context.Context, closed <-chan struct{}) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-closed:
			if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
				<-ctx.Done()
			}
			cancel(context.Canceled)
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
