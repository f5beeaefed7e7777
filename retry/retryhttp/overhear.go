package retryhttp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// overhear calls judge with the response, and puts back what it read of the body, up to 4
// MiB. The body is read no further than judge does.
func overhear(resp *http.Response, judge func(*http.Response) error) error {
	looked := *resp
	tape := &taped{from: resp.Body, atEnd: func() { looked.Trailer = resp.Trailer }}
	looked.Body = tape
	defer func() {
		tape.closed = true
		resp.Body = &joined{&replayed{seen: tape.seen.Bytes(), end: tape.end, rest: resp.Body}, resp.Body}
	}()
	return judge(&looked)
}

var errTooLong = errors.New("retryhttp: Judge may read 4 MiB of the body")

// A taped body keeps what is read of it.
type taped struct {
	from   io.Reader
	seen   bytes.Buffer
	end    error
	closed bool
	atEnd  func() // sets the trailers
}

func (t *taped) Read(p []byte) (int, error) {
	switch left := mostJSON - t.seen.Len(); {
	case t.closed:
		return 0, http.ErrBodyReadAfterClose
	case t.end != nil:
		return 0, t.end
	case left == 0:
		return 0, errTooLong
	default:
		n, err := t.from.Read(p[:min(len(p), left)])
		t.seen.Write(p[:n])
		if t.end = err; err == io.EOF {
			t.atEnd()
		}
		return n, err
	}
}

// Close closes this reader only, because others need the body too.
func (t *taped) Close() error { t.closed = true; return nil }
