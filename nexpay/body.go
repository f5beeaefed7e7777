package nexpay

import (
	"bytes"
	"io"
	"net/http"
)

const (
	formType = "application/x-www-form-urlencoded"
	maxBody  = 1 << 20 // the longest body in bytes that Sign holds in memory
)

var errBodySize error = unsent("nexpay: the request body is larger than 1 MiB")

// A bodyError is an error of the caller's own Body or GetBody, which is read before
// anything is written.
type bodyError struct{ err error }

const bodyText = "nexpay: the request body cannot be read"

func (e *bodyError) Error() string { return bodyText + ": " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// SafeError omits the text of the caller's reader.
func (e *bodyError) SafeError() string { return bodyText }

// NotSent returns true, as it does for [unsent].
func (e *bodyError) NotSent() bool { return true }

// readBody returns the body and leaves the request able to send it.
func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	if req.GetBody != nil {
		body, err := req.GetBody()
		switch {
		case err != nil:
			return nil, &bodyError{err}
		case body == nil:
			return nil, unsent(bodyText + ": GetBody returned nil")
		}
		return readAll(body)
	}
	raw, err := readAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
	req.Body, _ = req.GetBody()
	return raw, nil
}

func readAll(body io.ReadCloser) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if closing := body.Close(); err == nil {
		err = closing
	}
	switch {
	case err != nil:
		return nil, &bodyError{err}
	case len(raw) > maxBody:
		return nil, errBodySize
	}
	return raw, nil
}

// fresh returns a body with which to send a signed request, so that the request
// itself can be used again.
func fresh(req *http.Request) (io.ReadCloser, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return http.NoBody, nil
	}
	body, err := req.GetBody() // Sign has set it
	if err != nil {
		return nil, &bodyError{err}
	}
	return body, nil
}
