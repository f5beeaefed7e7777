package retryhttp

import (
	"context"
	"io"
	"net/http"
)

// An explained body ends with the reason if its attempt timed out or the caller canceled.
type explained struct {
	io.ReadCloser
	x             *exchange
	attempt, live context.Context
	announced     bool // the end of the body was announced
	end           error
}

// explain makes the body of an answer return why it ended. The body of a 101 is a
// connection and is left alone.
func (x *exchange) explain(attempt context.Context, l *live, resp *http.Response) {
	if l.lasting == nil || resp.Body == http.NoBody || resp.StatusCode == http.StatusSwitchingProtocols {
		return
	}
	announced := resp.ContentLength >= 0 || resp.ProtoMajor != 1
	resp.Body = &explained{ReadCloser: resp.Body, x: x, attempt: attempt, live: l.ctx, announced: announced}
}

// Read returns what net/http does not say. Over HTTP/2 any end of the context is a
// cancellation, which would look like the caller's. If the end of the body was not
// announced, it may come from a server that gives up on a client that hung up: over TLS
// that arrives, and net/http returns it as the end of the answer.
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
