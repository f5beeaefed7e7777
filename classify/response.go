package classify

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/nexpay-go/resilience/internal/carry"
)

// maxAnswer is how much of a 2xx body ReadJSON reads.
const maxAnswer = 4 << 20

var errNoResponse = errors.New("no response to read")

// FromResponse returns nil for a 2xx and leaves its body alone. For any other status
// it returns an [*Error], having read at most 64 KiB of the body and closed it; a
// shorter body is read to its end, so that the connection can serve again. Of a body
// that stalls until the context ends, or breaks off, it has what came: that is no
// longer [Error.Complete], and its effect is Unknown.
//
// Where net/http unpacks gzip by itself, that bounds what comes out, not what the
// server sends for it: set Transport.DisableCompression where that matters.
//
// Reading ends when the request's context does. The body of a 101, which net/http
// does not end so, is closed unread. Nothing of the request is kept. A nil resp is an
// error that no catalog recognises.
func FromResponse(resp *http.Response) error { return standard.fromResponse(resp) }

// FromResponse is the function [FromResponse] for answers of the catalog's [Shape].
func (c *Catalog) FromResponse(resp *http.Response) error { return c.shape.fromResponse(resp) }

func (s *shape) fromResponse(resp *http.Response) error {
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
			body, err = unpacked(resp, maxBody)
		}
	}
	e := s.decode(resp.StatusCode, resp.Header, body)
	e.partial = e.partial || err != nil || hungUp(resp)
	return e
}

// ReadJSON reads the answer to a call: a JSON value into v, as json.Unmarshal does,
// or an error. It closes the body in any case.
//
//   - An answer other than 2xx is the [*Error] of [FromResponse].
//   - A 2xx with a top-level "errors" is an [*Error] too, unless that says that there
//     are none: null, false, 0, "", [] or {}. So is one that breaks off behind them.
//   - A 2xx that is no JSON, does not fit v, is cut, has 4 MiB or more, or nests
//     deeper than 64 levels is unreadable. So is an empty one, unless v is nil.
//
// An unreadable answer is [Retryable] if it is cut, broken off, or may be: nobody
// announced its end. Otherwise it would be the same next time, and is [Fatal]. Its
// effect is [Unknown].
//
// A nil v says that no answer is expected: the body may be empty, and any JSON there
// is ignored. After an error v may be partly filled.
//
// The answer to a payment of retry.DoOnce has to say that it happened. Of those, a
// 2xx is unreadable as well whose end nobody announced (HTTP/1 without a length and
// without chunks), that is empty and may have come after the context's end, that is null, false, 0, "" or [], or that has a top-level "error"
// which is not empty, or an array with one of which that is true. It is known by the context of resp.Request.
func ReadJSON(resp *http.Response, v any) error { return standard.readJSON(resp, v) }

// ReadJSON is the function [ReadJSON] for answers of the catalog's [Shape]: a 2xx is an
// error if a path leads to a code that is none of its Success, unless StatusDecides.
func (c *Catalog) ReadJSON(resp *http.Response, v any) error { return c.shape.readJSON(resp, v) }

func (s *shape) readJSON(resp *http.Response, v any) error {
	if err := s.fromResponse(resp); err != nil {
		return err
	}
	var body []byte
	var err error
	if resp.Body != nil {
		defer resp.Body.Close()
		body, err = unpacked(resp, maxAnswer)
		body = bytes.TrimPrefix(body, mark)
	}
	a := s.parse(body, resp.Header)
	if e := a.error; a.fails && !s.StatusDecides {
		e.Status, e.RetryAfter = resp.StatusCode, s.retryAfter(resp.StatusCode, resp.Header)
		e.partial = e.partial || !a.whole || err != nil
		return e
	}
	if err != nil {
		return &undecodable{resp.StatusCode, err, err == errTooLong}
	}
	open := openEnded(resp, body)
	err = unmarshal(body, a.whole, v)
	if err == nil && resp.Request != nil && carry.Payment(resp.Request.Context()) {
		err = s.unsaid(body, open)
	}
	if err != nil {
		return &undecodable{resp.StatusCode, err, !open && !cut(body)}
	}
	return nil
}

// openEnded reports whether nobody announced where the answer ends: over HTTP/1 it
// ended with the connection, and so may have been cut. What was unpacked has an end
// of its own. Nor says an empty answer anything that a server gives which gives up, as
// its client has hung up.
func openEnded(resp *http.Response, body []byte) bool {
	if resp.Uncompressed && len(body) > 0 {
		return false
	}
	return hungUp(resp) || len(body) == 0 && late(resp) || resp.ProtoMajor == 1 && resp.Close && resp.ContentLength < 0 && len(resp.TransferEncoding) == 0
}

// hungUp reports whether the end of an answer may be the server's farewell to a
// client that has just hung up: its context is over, and no length was announced.
// Over TLS what a server sends then may still arrive, and net/http takes it for the
// end of the answer. Over HTTP/2 it does not.
func hungUp(resp *http.Response) bool {
	return resp.ContentLength < 0 && late(resp)
}

// late reports whether the client has hung up, over HTTP/1.
func late(resp *http.Response) bool {
	return resp.ProtoMajor == 1 && resp.Request != nil && resp.Request.Context().Err() != nil
}

// unsaid returns why a readable 2xx does not say that a payment happened. An empty
// one does, where nothing else is expected.
func (s *shape) unsaid(body []byte, open bool) error {
	body = bytes.TrimSpace(body)
	switch {
	case open:
		return errOpenEnd
	case complains(body), s.within(body):
		return errSaid
	case len(body) > 0 && body[0] != '{' && saysNone(body):
		return errSilent
	}
	return nil
}

// within reports whether an element of an array says that something went wrong. It
// keeps none of them: there may be millions.
func (s *shape) within(body []byte) (says bool) {
	all := scanner{text: body}
	if all.peek() != '[' {
		return false
	}
	all.array(func() {
		one := all.value()
		says = says || len(one) > 0 && one[0] == '{' && (complains(one) || !s.StatusDecides && s.parse(one, nil).fails)
	})
	return says
}

// complains reports whether an object has a member "error" that says something, in
// whatever form.
func complains(body []byte) (yes bool) {
	s := scanner{text: body}
	if s.peek() == '{' {
		s.object(func(key []byte) {
			text := s.value()
			yes = yes || spells(key, "error") && !s.bad && !saysNone(text)
		})
	}
	return yes
}

// cut reports whether body is the beginning of a JSON value.
func cut(body []byte) bool {
	var all json.RawMessage
	return json.NewDecoder(bytes.NewReader(body)).Decode(&all) == io.ErrUnexpectedEOF
}

// unmarshal fills v; whole is what parse said of the body.
func unmarshal(body []byte, whole bool, v any) error {
	empty := len(bytes.TrimSpace(body)) == 0
	switch {
	case empty && v == nil:
		return nil
	case empty:
		return errNoValue
	case v == nil || !whole:
		v = new(json.RawMessage)
	}
	err := json.Unmarshal(body, v)
	if err == nil && !whole {
		return errTooDeep
	}
	return err
}

// unpacked reads a body, and unpacks it if it is in gzip: net/http leaves that to
// whoever asked for it by an Accept-Encoding of his own. Both what is read and what
// comes out are bounded by limit.
func unpacked(resp *http.Response, limit int) ([]byte, error) {
	body, end := read(resp.Body, limit)
	encoding := resp.Header.Get("Content-Encoding")
	if !strings.EqualFold(encoding, "gzip") && !strings.EqualFold(encoding, "x-gzip") {
		return body, end
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil { // it is not packed after all, or cut before anything came
		return body, end
	}
	body, err = read(z, limit)
	return body, cmp.Or(end, err)
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
	return b, errTooLong
}
