package wire

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
)

// An Unprocessed means that the server has reported, as HTTP/2 allows, that it did
// not process the request (RFC 9113, section 8.7): it refused the stream, or went
// away before the request.
type Unprocessed struct{ err error }

// Error returns a constant text.
func (e *Unprocessed) Error() string {
	return "the server has not processed the request (HTTP/2 says so)"
}

// SafeError returns the text, which is safe to log.
func (e *Unprocessed) SafeError() string { return e.Error() }

// Unwrap returns the error of net/http.
func (e *Unprocessed) Unwrap() error { return e.err }

// IsUnprocessed reports whether err means that the server did not process the
// request. A server cannot fake it with text inside another error: the whole text
// must match.
func IsUnprocessed(err error) bool {
	var refused streamError
	if errors.As(err, &refused) && refused.Code == refusedStream {
		return true
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	return err != nil && unprocessed.MatchString(err.Error())
}

// NotProcessed makes such an error safe to print.
func NotProcessed(req *http.Request, err error) error {
	op, inner := operation(req, err)
	return &url.Error{Op: op, URL: place(req), Err: &Unprocessed{inner}}
}

// unprocessed matches the error of net/http when it would resend the request by
// itself but cannot.
var unprocessed = regexp.MustCompile(`\Ahttp2: Transport: cannot retry err \[(stream error: stream ID \d+; REFUSED_STREAM(; received from peer)?|http2: Transport received Server's graceful shutdown GOAWAY)\] after Request\.Body was written; define Request\.GetBody to avoid this error\z`)

// A streamError is the target that net/http's stream error sets in errors.As: its
// fields have the names of those of golang.org/x/net/http2.StreamError.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "a stream was reset" }

const refusedStream = 7
