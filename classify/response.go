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

// maxAnswer is how many bytes of a 2xx body ReadJSON reads.
const maxAnswer = 4 << 20

var errNoResponse = errors.New("no response to read")

// FromResponse returns nil for a 2xx and does not touch its body. For any other status it
// returns an [*Error]. It reads at most 64 KiB of the body and closes it. It reads a
// shorter body to its end, so that the connection can be reused. If the body stalls until
// the context ends, or breaks off, FromResponse uses what arrived: the Error is then not
// [Error.Complete], and its effect is Unknown.
//
// Where net/http decompresses gzip itself, the limit applies to the decompressed bytes,
// not to those that the server sends. Set Transport.DisableCompression if that matters.
//
// Reading ends when the request's context does. The body of a 101 is closed unread,
// because net/http does not end it with the context. The Error keeps nothing of the
// request: what texts of the answer repeat of resp.Request is replaced by […], namely
// values of 8 bytes and more of its headers with secrets, of its query, and of its body if
// it has GetBody. For a nil resp, FromResponse returns an error that no catalog
// recognises.
func FromResponse(resp *http.Response) error { return (*Catalog)(nil).FromResponse(resp) }

// FromResponse is the function [FromResponse] for answers of the catalog's [Shape].
func (c *Catalog) FromResponse(resp *http.Response) error {
	return c.blot(resp, c.reads().fromResponse(resp))
}

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

// ReadJSON reads the answer to a call: it stores a JSON value in v, as json.Unmarshal
// does, or returns an error. It always closes the body.
//
//   - An answer other than 2xx is the [*Error] of [FromResponse].
//   - A 2xx with a top-level "errors" is an [*Error] too, unless its value means that
//     there are none: null, false, 0, "", [] or {}. This holds even if the body breaks
//     off after "errors".
//   - A 2xx is unreadable if it is not JSON, does not fit v, is cut off, has 4 MiB or
//     more, or nests deeper than 64 levels. An empty one is unreadable unless v is nil.
//
// An unreadable answer is [Retryable] if it is or may be incomplete: it was cut off or
// broken off, or nothing announced its end. Otherwise a retry would get the same answer,
// and it is [Fatal]. Its effect is [Unknown].
//
// A nil v means that no answer is expected: the body may be empty, and any JSON in it is
// ignored. After an error v may be partly filled.
//
// The answer to a payment of retry.DoOnce has to confirm that it happened. ReadJSON
// recognises such a payment by the context of resp.Request. For it, these 2xx are
// unreadable too: one whose end nothing announced (HTTP/1 with neither length nor
// chunks); an empty one that may have arrived after the end of the context; null, false,
// 0, "" and []; an object with a top-level "error" that is not empty, or an array with
// such an object.
func ReadJSON(resp *http.Response, v any) error { return (*Catalog)(nil).ReadJSON(resp, v) }

// ReadJSON is the function [ReadJSON] for answers of the catalog's [Shape]: a 2xx is an
// error if a path leads to a code that is not in Success, unless StatusDecides is set.
func (c *Catalog) ReadJSON(resp *http.Response, v any) error {
	return c.blot(resp, c.reads().readJSON(resp, v))
}

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

// openEnded reports whether nothing announced the end of the answer: over HTTP/1 it ended
// with the connection, and so may have been cut off. A decompressed answer has its own
// end mark. An empty answer proves nothing if the client may have hung up before: servers
// send one when they give up on the request.
func openEnded(resp *http.Response, body []byte) bool {
	if resp.Uncompressed && len(body) > 0 {
		return false
	}
	return hungUp(resp) || len(body) == 0 && late(resp) || resp.ProtoMajor == 1 && resp.Close && resp.ContentLength < 0 && len(resp.TransferEncoding) == 0
}

// hungUp reports whether the end of an answer may be the server's reaction to a client
// that has just hung up: the context is over, and no length was announced. Over TLS, data
// that a server sends then may still arrive, and net/http takes its end for the end of
// the answer. Over HTTP/2 it does not.
func hungUp(resp *http.Response) bool {
	return resp.ContentLength < 0 && late(resp)
}

// late reports whether the client has hung up, over HTTP/1.
func late(resp *http.Response) bool {
	return resp.ProtoMajor == 1 && resp.Request != nil && resp.Request.Context().Err() != nil
}

// unsaid returns why a readable 2xx does not confirm a payment. An empty answer confirms
// it if none is expected.
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

// within reports whether an element of an array reports an error. It keeps none of the
// elements: there may be millions.
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

// complains reports whether an object has a member "error" with a value of any type that
// means an error.
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

// unmarshal fills v; whole is the result of parse.
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
	if wrong, ok := err.(*json.UnmarshalTypeError); ok { // which holds the whole number
		own := *wrong
		own.Value, own.Field = clean(own.Value), clean(own.Field)
		return &own
	}
	if err == nil && !whole {
		return errTooDeep
	}
	return err
}

// unpacked reads a body and decompresses gzip. (net/http does not decompress if the
// request had its own Accept-Encoding.) limit applies to both the compressed and the
// decompressed bytes.
func unpacked(resp *http.Response, limit int) ([]byte, error) {
	body, end := read(resp.Body, limit)
	encoding := resp.Header.Get("Content-Encoding")
	if !strings.EqualFold(encoding, "gzip") && !strings.EqualFold(encoding, "x-gzip") {
		return body, end
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil { // not compressed after all, or cut off before the gzip header
		return body, end
	}
	body, err = read(z, limit)
	return body, cmp.Or(end, err)
}

// read reads at most limit bytes. A body of exactly limit bytes is too long, because its
// end was not seen.
func read(r io.Reader, limit int) ([]byte, error) {
	const first, growth = 512, 8 // the bytes allocated are little more than those kept
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
