package wire

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
)

// An Unprocessed is an error of a request of which the server has said, in the words of
// HTTP/2, that it did nothing with it (RFC 9113, section 8.7): it refused the stream, or went
// away before it came to it.
type Unprocessed struct{ err error }

// Error says so.
func (e *Unprocessed) Error() string {
	return "the server has not processed the request (HTTP/2 says so)"
}

// SafeError says that this text is fit to be logged.
func (e *Unprocessed) SafeError() string { return e.Error() }

// Unwrap returns what was below.
func (e *Unprocessed) Unwrap() error { return e.err }

// IsUnprocessed reports whether err says so. Nothing that a server can put into another
// error makes it one: the text has to be that and no more.
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

// NotProcessed makes such an error fit to be printed.
func NotProcessed(req *http.Request, err error) error {
	op, inner := operation(req, err)
	return &url.Error{Op: op, URL: place(req), Err: &Unprocessed{inner}}
}

// unprocessed is what net/http says where it would send the request again by itself, and
// cannot.
var unprocessed = regexp.MustCompile(`\Ahttp2: Transport: cannot retry err \[(stream error: stream ID \d+; REFUSED_STREAM(; received from peer)?|http2: Transport received Server's graceful shutdown GOAWAY)\] after Request\.Body was written; define Request\.GetBody to avoid this error\z`)

// A streamError is what the error of net/http for a stream makes itself into, for
// errors.As: the names of its fields are those of golang.org/x/net/http2.StreamError.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "a stream was reset" }

const refusedStream = 7
