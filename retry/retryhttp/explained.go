package retryhttp

import (
	"context"
	"io"
	"net/http"
)

// An explained body ends with the reason, where that is the time of its attempt or
// the caller.
type explained struct {
	io.ReadCloser
	x             *exchange
	attempt, live context.Context
	announced     bool // where it ends
	end           error
}

// explain has the body of an answer say why it ended. That of a 101 is a connection.
func (x *exchange) explain(attempt context.Context, l *live, resp *http.Response) {
	if l.lasting == nil || resp.Body == http.NoBody || resp.StatusCode == http.StatusSwitchingProtocols {
		return
	}
	announced := resp.ContentLength >= 0 || resp.ProtoMajor != 1
	resp.Body = &explained{ReadCloser: resp.Body, x: x, attempt: attempt, live: l.ctx, announced: announced}
}

// Read knows what net/http does not say. Over HTTP/2 any end of the context is a
// cancellation, which would be the caller's. And where the end was not announced, it
// may be the server's farewell to a client that has just hung up: over TLS that
// arrives, and is passed on as the end of the answer.
func (e *explained) Read(p []byte) (int, error) {
	if e.end != nil {
		return 0, e.end
	}
	n, err := e.ReadCloser.Read(p)
	switch {
	case err == nil:
	case err != io.EOF:
		err = e.x.cause(e.attempt, err)
	case !e.announced && e.live.Err() != nil:
		err = e.x.cause(e.attempt, context.Cause(e.live))
	}
	e.end = err
	return n, err
}
