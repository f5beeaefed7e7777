package retryhttp

import (
	"io"
	"maps"
	"net/http"
)

// How much of a body package classify reads: of an error, and of a 2xx.
const (
	mostError = 64 << 10
	mostJSON  = 4 << 20
)

// peek calls read with the beginning of the response, and restores the body, which then
// reads as if nothing had read it. out is the request as it was sent; its context carries
// values for reading the answer.
func peek(resp *http.Response, out *http.Request, most int, read func(*http.Response) error) error {
	unswitched(resp)
	early := maps.Clone(resp.Trailer)
	seen, end := beginning(resp.Body, most)
	looked := *resp
	looked.Request = out
	looked.Body = io.NopCloser(&replayed{seen: seen, end: orEOF(end)})
	err := read(&looked)
	again := &replayed{seen: seen, end: end, rest: resp.Body}
	if late := resp.Trailer; end == io.EOF && late != nil { // for whoever reads the body to its end
		resp.Trailer = early
		again.atEnd = func() { resp.Trailer = late }
	}
	resp.Body = &joined{again, resp.Body}
	return err
}

// unswitched closes the body of a 101, which is a connection: no context would end a read
// of it.
func unswitched(resp *http.Response) {
	if resp.StatusCode == http.StatusSwitchingProtocols && resp.Body != nil {
		_ = resp.Body.Close()
		resp.Body = http.NoBody
	}
}

// beginning reads up to most bytes, and returns the error that ended it before.
func beginning(r io.Reader, most int) (seen []byte, end error) {
	const first, growth = 4 << 10, 4
	seen = make([]byte, 0, min(first, most))
	for len(seen) < most {
		if len(seen) == cap(seen) {
			seen = append(make([]byte, 0, min(growth*cap(seen), most)), seen...)
		}
		n, err := r.Read(seen[len(seen):cap(seen)])
		seen = seen[:len(seen)+n]
		if err != nil {
			return seen, err
		}
	}
	return seen, nil
}

func orEOF(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// whole reports whether all of a body was read, and can be read again.
func whole(body io.Reader) bool {
	switch b := body.(type) {
	case *joined:
		return whole(b.Reader)
	case *replayed:
		return b.end == io.EOF || b.end == nil && whole(b.rest)
	case *ahead:
		_, end := b.begun()
		return end == io.EOF
	}
	return body == http.NoBody
}

// A replayed body returns what was read, and then the error that ended it, which the body
// itself would not return again; or the rest of the body if nothing had ended it.
type replayed struct {
	seen  []byte
	end   error
	rest  io.Reader
	atEnd func() // may be nil
}

func (r *replayed) Read(p []byte) (int, error) {
	switch {
	case len(r.seen) > 0:
		n := copy(p, r.seen)
		r.seen = r.seen[n:]
		return n, nil
	case r.end != nil:
		if r.atEnd != nil {
			r.atEnd()
			r.atEnd = nil
		}
		return 0, r.end
	}
	return r.rest.Read(p)
}
