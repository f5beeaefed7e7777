package wire

import (
	"io"
	"net/http"
	"net/url"

	"github.com/nexpay-go/resilience/internal/errtree"
)

// A BodyError means that the request's own body failed. Part of it may have been
// sent.
type BodyError struct {
	text string
	err  error // of the reader, nil if it returned none
}

// Error returns what is wrong, without the text of the reader.
func (e *BodyError) Error() string { return e.text }

// Unwrap returns the error of the reader.
func (e *BodyError) Unwrap() error { return e.err }

// SafeError returns the text, which is safe to log.
func (e *BodyError) SafeError() string { return e.text }

// Trouble returns the error of a send that failed because of its own body. It returns
// nil if the part of the body that was read is in order.
func (w *Watch) Trouble(req *http.Request) error {
	if w.body == nil {
		return nil
	}
	end := w.body.end.Load()
	switch {
	case end == nil:
		return nil
	case *end != io.EOF:
		return bodyError(req, "the body of the request cannot be read", errtree.Tidy(*end))
	case w.body.read.Load() < w.out.ContentLength:
		return bodyError(req, "the body of the request is shorter than its ContentLength; was it read before?", nil)
	}
	return nil
}

func bodyError(req *http.Request, text string, err error) error {
	return &url.Error{Op: req.Method, URL: place(req), Err: &BodyError{text, err}}
}
