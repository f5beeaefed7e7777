package retryhttp

import (
	"errors"
	"io"
	"net/http"
	"slices"
)

// Response returns the answer that a failed request ended with, if err holds a *retry.Error
// of a [Transport]. With [Once] or Transport.AlwaysError this is the only way to get it. It
// returns nil if there was no answer, or err is of another kind.
//
// The body has what was read to classify the answer, up to 64 KiB, in memory. Each call
// returns a response with a body that starts at the beginning. The body ends with an error
// if there was more, or if the answer broke off.
//
// The response and its header are shared between calls: do not change them. The header is
// kept whole. http.Transport accepts 10 MB by default: set MaxResponseHeaderBytes to 64 KiB if
// thousands of operations may wait in doubt.
func Response(err error) *http.Response {
	a, ok := errors.AsType[*answered](err)
	if !ok {
		return nil
	}
	resp := *a.resp
	resp.Body = io.NopCloser(&replayed{seen: a.seen, end: a.end})
	return &resp
}

// An answered error is an error about an answer, together with that answer.
type answered struct {
	err  error
	resp *http.Response // without its body
	seen []byte
	end  error // io.EOF if that was the whole body
}

// answer adds to an error the answer that it is about.
func answer(err error, resp *http.Response) error {
	if err == nil {
		return nil
	}
	a := &answered{err: err, resp: new(http.Response)}
	*a.resp = *resp
	a.resp.Body = nil
	a.seen, a.end = known(resp.Body)
	if len(a.seen) > mostError {
		a.seen, a.end = slices.Clone(a.seen[:mostError]), errRest // the error may be kept for long
	}
	return a
}

var errRest error = saidError("retryhttp: the rest of the response body was not kept")

// known returns what was read of a body and put back, and the error that follows it.
func known(body io.Reader) ([]byte, error) {
	switch b := body.(type) {
	case *joined:
		return known(b.Reader)
	case *replayed:
		switch {
		case b.end != nil:
			return b.seen, b.end
		case len(b.seen) >= mostError:
			return b.seen, errRest
		}
		rest, end := known(b.rest)
		return append(b.seen[:len(b.seen):len(b.seen)], rest...), end
	case *ahead:
		seen, end := b.begun()
		if end == nil {
			end = errRest
		}
		return seen, end
	}
	if body == http.NoBody {
		return nil, io.EOF
	}
	return nil, errRest
}

// Error returns the text of the error.
func (a *answered) Error() string { return a.err.Error() }

func (a *answered) Unwrap() error { return a.err }

// GoString keeps %#v from printing the answer.
func (a *answered) GoString() string { return a.err.Error() }
