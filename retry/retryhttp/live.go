package retryhttp

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/nexpay-go/resilience/internal/carry"
)

// A live is the lifetime of a request: its attempt ends when the answer has been
// classified, but the caller may read the body for longer.
type live struct {
	ctx     context.Context
	lasting carry.Lasting // ctx; nil if it does not end with the attempt
}

// livesIn returns the lifetime of a request that is sent in the context of an attempt.
func livesIn(attempt context.Context) live {
	lasting, ok := attempt.(carry.Lasting)
	if ok {
		lasting.Adopt()
	}
	return live{attempt, lasting}
}

// end ends it.
func (l *live) end(cause error) {
	if l.lasting != nil {
		l.lasting.End(cause)
	}
}

// outlives separates the lifetime from the attempt. It returns false if that had ended
// already, and the request with it.
func (l *live) outlives() bool { return l.lasting == nil || l.lasting.Outlive() }

// body returns the response's body; its end or Close ends the request.
func (l *live) body(b io.ReadCloser) io.ReadCloser {
	if l.lasting == nil {
		return b
	}
	return endingWith(b, l.lasting)
}

// A lifetime is something that ends.
type lifetime interface{ End(cause error) }

// endingWith returns a body whose end or Close ends what.
func endingWith(b io.ReadCloser, what lifetime) io.ReadCloser {
	if b == http.NoBody {
		what.End(nil)
		return b
	}
	ends := &ending{ReadCloser: b, what: what}
	if w, ok := b.(io.Writer); ok { // of a 101, which is a connection
		return &endingWriter{ends, w}
	}
	return ends
}

// An ending body ends the context of its request when it is closed or was read to its end.
type ending struct {
	io.ReadCloser
	what lifetime
	done atomic.Bool
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
		e.what.End(nil)
	}
}

type endingWriter struct {
	*ending
	io.Writer
}
