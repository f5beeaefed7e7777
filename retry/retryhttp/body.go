package retryhttp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// A body is the body of a request, which can be read once or repeatedly.
type body struct {
	first  io.ReadCloser // nil if it was taken, or if there is none
	get    func() (io.ReadCloser, error)
	length int64
}

var (
	errSpent  error = safeError("retryhttp: the request body can be read only once, and was (set GetBody or Transport.BufferBody to make it retryable)")
	errBody   error = safeError("retryhttp: the request body cannot be read")
	errNoBody error = safeError("retryhttp: GetBody returns neither a body nor an error")
)

// open determines how the body of the request can be read.
func (x *exchange) open() error {
	req := x.req
	x.body = body{first: req.Body, get: req.GetBody, length: req.ContentLength}
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		x.body = body{get: none}
	case req.GetBody == nil && x.t.BufferBody > 0 && req.ContentLength <= x.t.BufferBody:
		return x.body.buffer(x.t.BufferBody, len(req.Trailer) > 0)
	}
	return nil
}

func none() (io.ReadCloser, error) { return http.NoBody, nil }

// buffer reads up to limit bytes into memory. A longer body can still be read once. With
// trailers it keeps the caller's length, because net/http sends trailers only if the length
// is unknown.
func (b *body) buffer(limit int64, trailers bool) error {
	kept, err := io.ReadAll(io.LimitReader(b.first, limit+1))
	if err != nil {
		b.close()
		return errors.Join(errBody, &hidden{err})
	}
	if int64(len(kept)) > limit {
		b.first = &joined{io.MultiReader(bytes.NewReader(kept), b.first), b.first}
		return nil
	}
	b.close()
	if len(kept) == 0 && !trailers {
		*b = body{get: none}
		return nil
	}
	b.get = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(kept)), nil }
	if !trailers {
		b.length = int64(len(kept))
	}
	return nil
}

// again reports whether the body can be read more than once.
func (b *body) again() bool { return b.get != nil }

// next returns the body for the next send.
func (b *body) next() (io.ReadCloser, error) {
	if first := b.first; first != nil {
		b.first = nil
		return first, nil
	}
	if b.get == nil {
		return nil, errSpent
	}
	next, err := b.get()
	switch {
	case err != nil:
		return nil, errors.Join(errBody, &hidden{err})
	case next == nil:
		return nil, errNoBody
	}
	return next, nil
}

// close closes the body if it was not taken.
func (b *body) close() {
	if b.first != nil {
		_ = b.first.Close()
		b.first = nil
	}
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// joined is a reader with the Close of another.
type joined struct {
	io.Reader
	io.Closer
}

// A safeError is an error with a text of this package. Nothing was sent before it.
type safeError string

func (e safeError) Error() string     { return string(e) }
func (e safeError) SafeError() string { return string(e) }
func (e safeError) NotSent() bool     { return true }

// A hidden error is an error of the caller's code, whose text may hold anything. It is
// there for errors.Is and errors.As.
type hidden struct{ err error }

func (e *hidden) Error() string     { return "the error is not shown" }
func (e *hidden) SafeError() string { return e.Error() }
func (e *hidden) NotSent() bool     { return true }
func (e *hidden) Unwrap() error     { return e.err }
