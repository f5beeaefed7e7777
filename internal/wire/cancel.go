package wire

import (
	"context"
	"time"
)

// Honour returns a context that also ends when closed, the channel of a
// Request.Cancel, is closed. Its cause is then context.Canceled. An http.Client with
// a Timeout closes the channel as well when the time is up; it has also set a
// deadline, which is then reported instead. The context must be ended, by the
// returned function or by ctx.
func Honour(ctx context.Context, closed <-chan struct{}) (context.Context, context.CancelCauseFunc) {
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
