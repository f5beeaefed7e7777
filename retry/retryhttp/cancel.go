package retryhttp

import (
	"context"
	"net/http"
)

// A canceled is a lifetime that ends by calling it.
type canceled context.CancelCauseFunc

// End implements [lifetime].
func (c canceled) End(cause error) { c(cause) }

// release stops watching Request.Cancel: when the body of the response is closed, or at
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

// wished reports whether Request.Cancel was closed, which ends the exchange.
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
