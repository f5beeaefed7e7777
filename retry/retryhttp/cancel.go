package retryhttp

import (
	"context"
	"net/http"
	"time"
)

// heed ends the exchange when the channel of Request.Cancel is closed, which is the
// caller's wish. An http.Client with a Timeout closes it as well when the time is up,
// and has set a deadline for that, which says so better.
func (x *exchange) heed(closed <-chan struct{}) {
	ctx, cancel := context.WithCancelCause(x.Context)
	x.Context, x.cancel = ctx, cancel
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
}

// canceled ends when it is called.
type canceled context.CancelCauseFunc

// End is as [lifetime] has it.
func (c canceled) End(cause error) { c(cause) }

// release lets go of Request.Cancel: when the body of the response is closed, or at
// once if there is no response.
func (x *exchange) release(resp *http.Response, err error) (*http.Response, error) {
	switch {
	case x.cancel == nil:
	case err != nil || resp == nil || resp.Body == nil || resp.Body == http.NoBody:
		x.cancel(nil)
	default:
		resp.Body = endingWith(resp.Body, canceled(x.cancel))
	}
	return resp, err
}

// wished reports whether Request.Cancel was closed. The exchange is over then.
func (x *exchange) wished() bool {
	if x.cancel == nil {
		return false
	}
	//lint:ignore SA1019 it is deprecated, and http.Client still sets it
	wish := x.req.Cancel
	select {
	case <-wish:
		<-x.Done()
		return true
	default:
		return false
	}
}
