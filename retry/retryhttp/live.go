package retryhttp

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/nexpay-go/resilience/internal/carry"
)

// live is how long a request lives: its attempt ends when the answer has been
// judged, but the body may be read for as long as the caller likes.
type live struct {
	ctx     context.Context
	lasting carry.Lasting // ctx; nil where it does not end with the attempt
}

// livesIn is how long a request lives that is sent in the context of an attempt.
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

// outlives ends the bond with the attempt. It reports false if that was over
// already, and the request with it.
func (l *live) outlives() bool { return l.lasting == nil || l.lasting.Outlive() }

// body is the response's, whose end or Close ends the request.
func (l *live) body(b io.ReadCloser) io.ReadCloser {
	if l.lasting == nil {
		return b
	}
	return endingWith(b, l.lasting)
}

// A lifetime is something that ends.
type lifetime interface{ End(cause error) }

// endingWith is a body whose end or Close ends something else.
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

// An ending body ends the context of its request when it is closed, or has been
// read to its end.
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
