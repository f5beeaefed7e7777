package retryhttp

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
)

// live is how long a request lives: its attempt ends when the answer has been
// judged, but the body may be read for as long as the caller likes.
type live struct {
	ctx    context.Context
	cancel context.CancelCauseFunc // nil where the attempt has no context of its own
	detach func() bool             // from the attempt; false if that was over
}

// detach makes a context with the values of an attempt that ends with the caller's,
// and with the attempt's until outlives is called.
func detach(attempt context.Context, caller *exchange) live {
	if own, ok := attempt.(*exchange); ok && own == caller {
		return live{ctx: caller}
	}
	base, cancel := context.WithCancelCause(caller)
	return live{
		ctx:    &layered{base, attempt},
		cancel: cancel,
		detach: context.AfterFunc(attempt, func() { cancel(context.Cause(attempt)) }),
	}
}

// end ends it.
func (l *live) end(cause error) {
	if l.cancel != nil {
		l.detach()
		l.cancel(cause)
	}
}

// outlives ends the bond with the attempt. It reports false if that was over
// already, and the request with it.
func (l *live) outlives() bool { return l.cancel == nil || l.detach() }

// body is the response's, whose end or Close ends the request.
func (l *live) body(b io.ReadCloser) io.ReadCloser {
	if l.cancel == nil {
		return b
	}
	if b == http.NoBody {
		l.cancel(nil)
		return b
	}
	ends := &ending{ReadCloser: b, cancel: l.cancel}
	if w, ok := b.(io.Writer); ok { // of a 101, which is a connection
		return &endingWriter{ends, w}
	}
	return ends
}

// layered is a context with the values of another one.
type layered struct {
	context.Context
	values context.Context
}

// Value asks the other one first, but for the key of package context itself, a
// *int, by which a context finds who cancels it.
func (l *layered) Value(key any) any {
	if _, own := key.(*int); own {
		if v := l.Context.Value(key); v != nil {
			return v
		}
	}
	return l.values.Value(key)
}

// An ending body ends the context of its request when it is closed, or has been
// read to its end.
type ending struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
	done   atomic.Bool
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	if err != nil {
		e.end()
	}
	return n, err
}

func (e *ending) Close() error {
	err := e.ReadCloser.Close()
	e.end()
	return err
}

func (e *ending) end() {
	if !e.done.Swap(true) {
		e.cancel(nil)
	}
}

type endingWriter struct {
	*ending
	io.Writer
}
