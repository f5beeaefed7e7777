package classify

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// maxAnswer is how much of a 2xx body ReadJSON reads.
const maxAnswer = 4 << 20

var errNoResponse = errors.New("no response to read")

// FromResponse returns nil for a 2xx and leaves its body alone. For any other status
// it returns an [*Error], having read at most 64 KiB of the body and closed it; a
// shorter body is read to its end, so that the connection can serve again.
//
// Where net/http unpacks gzip by itself, that bounds what comes out, not what the
// server sends for it: set Transport.DisableCompression where that matters.
//
// Reading ends when the request's context does. The body of a 101, which net/http
// does not end so, is closed unread. Nothing of the request is kept. A nil resp is an
// error that no catalog recognises.
func FromResponse(resp *http.Response) error {
	if resp == nil {
		return errNoResponse
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return nil
	}
	var body []byte
	var err error
	if resp.Body != nil {
		defer resp.Body.Close()
		if resp.StatusCode >= 200 {
			body, err = read(resp.Body, maxBody)
		}
	}
	e := Decode(resp.StatusCode, resp.Header, body)
	e.partial = e.partial || err != nil
	return e
}

// ReadJSON reads the answer to a call: a JSON value into v, as json.Unmarshal does,
// or an error. It closes the body in any case.
//
//   - An answer other than 2xx is the [*Error] of [FromResponse].
//   - A 2xx with a top-level "errors" that is neither null nor empty is an [*Error]
//     too.
//   - A 2xx that is no JSON, does not fit v, is cut, has 4 MiB or more, or nests
//     deeper than 64 levels is [Undecodable]. So is an empty one, unless v is nil.
//
// A nil v says that no answer is expected: the body may be empty, and any JSON there
// is ignored. After an error v may be partly filled.
func ReadJSON(resp *http.Response, v any) error {
	if err := FromResponse(resp); err != nil {
		return err
	}
	var body []byte
	var err error
	if resp.Body != nil {
		defer resp.Body.Close()
		body, err = read(resp.Body, maxAnswer)
		body = bytes.TrimPrefix(body, mark)
	}
	if err != nil {
		return &undecodable{resp.StatusCode, err}
	}
	e, whole := parse(body)
	if len(e.Details) > 0 {
		e.Status, e.RetryAfter = resp.StatusCode, retryAfter(resp.Header)
		e.partial = e.partial || !whole
		return e
	}
	if err := unmarshal(body, whole, v); err != nil {
		return &undecodable{resp.StatusCode, err}
	}
	return nil
}

// unmarshal fills v; whole is what parse said of the body.
func unmarshal(body []byte, whole bool, v any) error {
	empty := len(bytes.TrimSpace(body)) == 0
	switch {
	case empty && v == nil:
		return nil
	case empty:
		return fault("empty body")
	case v == nil || !whole:
		v = new(json.RawMessage)
	}
	err := json.Unmarshal(body, v)
	if err == nil && !whole {
		return fault("JSON nested too deep")
	}
	return err
}

// read reads at most limit bytes. That there is nothing behind them is not known
// before the end has been seen, so a body of exactly limit bytes is too long.
func read(r io.Reader, limit int) ([]byte, error) {
	const first, growth = 512, 8 // all that it takes is little more than what it keeps
	b := make([]byte, 0, first)
	for len(b) < limit {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(growth*cap(b), limit)), b...)
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch err {
		case nil:
		case io.EOF:
			return b, nil
		default:
			return b, err
		}
	}
	return b, fault("body too long")
}
