package wire

import (
	"io"
	"net/http"
	"net/url"

	"github.com/nexpay-go/resilience/internal/errtree"
)

// A BodyError is trouble with the body of the request itself. Some of it may have
// been sent.
type BodyError struct {
	text string
	err  error // of the reader, nil if that said nothing
}

// Error says what is wrong, without what the reader says.
func (e *BodyError) Error() string { return e.text }

// Unwrap returns the error of the reader.
func (e *BodyError) Unwrap() error { return e.err }

// SafeError says that this text is fit to be logged.
func (e *BodyError) SafeError() string { return e.text }

// Trouble is the error of a send that failed for its own body; nil if that is in
// order, as far as it was read.
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
