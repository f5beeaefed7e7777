package retryhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/internal/wire"
	"github.com/nexpay-go/resilience/retry"
)

// An exchange is one RoundTrip: a request and the results of its attempts. It belongs to
// one goroutine.
type exchange struct {
	context.Context // of the request; with what Value adds, that of the call
	t               *Transport
	req             *http.Request     // the caller's, never changed
	catalog         *classify.Catalog // describes answers; nil: they have the zero Shape
	key             string            // idempotency key of the request, "" if it has none
	keeps           time.Duration     // how long the API keeps that key
	sends           int32
	payment         bool // it is an operation: only a readable 2xx says that it happened
	body            body
	kept            *kept                   // copy of the body as sent, if it cannot be read again
	opts            [2]retry.Option         // of the call, kept here to save an allocation
	last            *http.Response          // of the last attempt, if that failed with an answer; its body is open
	cancel          context.CancelCauseFunc // of Context, where the request has a Cancel
	first           wire.Watch              // of the first send
}

// Value hides that the request is an operation, because requests made inside are not. It
// also returns why the request is sent once, or how to make it retryable in doubt.
func (x *exchange) Value(key any) any {
	switch {
	case key == (operationKey{}):
		return nil
	case key == (carry.OnceKey{}) && !x.body.again():
		return "its body can be read only once, so it was sent once (set GetBody or Transport.BufferBody to make it retryable)"
	case key == (carry.DoubtKey{}):
		return x.helps()
	}
	return x.Context.Value(key)
}

// CountsConnections says that the watch of each send counts connections.
func (x *exchange) CountsConnections() {}

// plainly returns ctx for code of the caller's: connections made there are not counted.
func plainly(ctx context.Context) context.Context { return struct{ context.Context }{ctx} }

// BeforeWait releases the connection of the last answer.
func (x *exchange) BeforeWait() {
	if x.discard() {
		x.t.CloseIdleConnections()
	}
}

// attempt sends the request once. It returns the response of a success; another response is
// kept, and its error returned.
func (x *exchange) attempt(ctx context.Context) (*http.Response, error) {
	if x.discard() { // a misdirected request goes to another connection (RFC 9110, section 15.5.20)
		x.t.CloseIdleConnections()
	}
	live := livesIn(ctx)
	watch := x.watch()
	out, err := x.request(live.ctx, watch)
	if err != nil {
		live.end(err)
		return nil, err
	}
	resp, err := x.t.base().RoundTrip(out)
	x.count(watch)
	if err != nil || resp == nil {
		if resp != nil && resp.Body != nil { // against the contract, and no reason to leak
			_ = resp.Body.Close()
		}
		err = x.failed(ctx, out, watch, err)
		live.end(err)
		return nil, err
	}
	resp.Request = x.req // not the one with the signature
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	bye := ctx.Err() != nil && farewell(resp)
	x.explain(ctx, &live, resp)
	resp = x.begun(resp)
	kept := false
	defer func() {
		if !kept { // a panic of somebody else's may be on its way
			_ = resp.Body.Close()
			live.end(nil)
		}
	}()
	err = x.judge(resp, out)
	x.blot(out, err)
	err = answer(err, resp)
	if read := live.outlives() || whole(resp.Body); err == nil && (!read || bye) { // a success that nobody can read, or believe
		return nil, wire.Unanswered(out, context.Cause(ctx), false)
	}
	kept = true
	resp.Body = live.body(resp.Body)
	if err != nil {
		x.last = resp
		return nil, err
	}
	return resp, nil
}

// farewell reports whether an answer may only be what a server sends when it gives up on a
// client that hung up. Over TLS that answer may arrive; over HTTP/2 it does not.
func farewell(resp *http.Response) bool {
	return resp.ProtoMajor == 1 && 200 <= resp.StatusCode && resp.StatusCode <= 299 && (resp.ContentLength == 0 || resp.Body == http.NoBody)
}

// count warns about a request that net/http may have sent more than once by itself.
func (x *exchange) count(watch *wire.Watch) {
	if n := watch.Connections(); n > 1 {
		x.warning(fmt.Sprintf("net/http used %d connections for one send: it may have sent the request that many times", n))
	}
}

// watch returns the watch of the next send.
func (x *exchange) watch() *wire.Watch {
	if x.sends++; x.sends == 1 {
		return &x.first
	}
	return new(wire.Watch)
}

// failed returns the error of a send without an answer. The context of the send has not
// been changed yet.
func (x *exchange) failed(ctx context.Context, out *http.Request, watch *wire.Watch, err error) error {
	if err == nil {
		return errNothing
	}
	err = x.cause(ctx, err)
	if unsent, asked := watch.Unsent(); unsent {
		return wire.NotSent(out, err, asked)
	}
	switch trouble := watch.Trouble(out); {
	case trouble != nil && ctx.Err() == nil:
		return trouble
	case trouble == nil && wire.IsUnprocessed(err): // else it may speak of where the body comes from
		return wire.NotProcessed(out, err)
	}
	return wire.Unanswered(out, err, false)
}

// cause returns why a send failed. If the attempt's time was up, net/http returns the cause
// of the context over HTTP/1, but a cancellation over HTTP/2, which would look like the
// caller's.
func (x *exchange) cause(attempt context.Context, err error) error {
	if x.wished() { // of which net/http says no more than that the request was canceled
		return x.Err()
	}
	if attempt.Err() != nil && x.Err() == nil && (err == context.DeadlineExceeded || errors.Is(err, context.Canceled)) {
		return context.Cause(attempt)
	}
	return err
}

// errNothing proves nothing: Base may have sent the request and lost the answer.
var errNothing error = saidError("retryhttp: Base returned neither a response nor an error")

// A saidError is an error with a text of this package.
type saidError string

func (e saidError) Error() string     { return string(e) }
func (e saidError) SafeError() string { return string(e) }

// discard closes the last answer, of which up to 64 KiB were read. If that was all, the
// connection is reused. It runs before a wait, so that no connection is held meanwhile. It
// reports whether the connection was the wrong one.
func (x *exchange) discard() (misdirected bool) {
	if x.last != nil {
		misdirected = x.last.StatusCode == http.StatusMisdirectedRequest
		_ = x.last.Body.Close()
		x.last = nil
	}
	return misdirected
}

// outcome returns what the caller gets.
func (x *exchange) outcome(resp *http.Response, err error) (*http.Response, error) {
	if err == nil {
		return resp, nil
	}
	if last := x.last; last != nil && !x.t.AlwaysError && x.Err() == nil {
		return last, nil
	}
	x.discard()
	return nil, err
}
