package retryhttp

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// patience is how long a 2xx of unknown length that may be small JSON is waited for,
// before it is handed on as a stream. What is small comes with its header, or on its
// heels; a stream, which may say that it is JSON, and pause for minutes before it says
// anything at all, must not wait for us.
const patience = 100 * time.Millisecond

// looks reports whether a 2xx is looked into: small JSON, as far as the header tells, of
// an API that has said where its answers hold codes.
func (x *exchange) looks(resp *http.Response) bool {
	return x.catalog != nil && resp.StatusCode >= 200 && resp.StatusCode <= 299 &&
		resp.ContentLength <= mostError && resp.Body != http.NoBody && x.req.Method != http.MethodHead &&
		saysJSON(resp.Header.Get("Content-Type")) && x.looksForCodes()
}

// looksForCodes reports whether a 2xx may have any.
func (x *exchange) looksForCodes() bool {
	s := x.catalog.Shape()
	return len(s.Code) > 0 && !s.StatusDecides
}

func saysJSON(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json")
}

// look judges a small JSON answer that came with a 2xx. One that cannot be read is the
// caller's business.
func (x *exchange) look(resp *http.Response, out *http.Request) error {
	if !x.looks(resp) {
		return nil
	}
	var err error
	if a, ok := resp.Body.(*ahead); !ok {
		err = peek(resp, out, mostError, x.readJSON)
	} else if seen, whole := a.small(); whole {
		err = x.readJSON(&http.Response{
			StatusCode: resp.StatusCode, Header: resp.Header, Request: out, Uncompressed: resp.Uncompressed,
			ContentLength: int64(len(seen)), Body: io.NopCloser(bytes.NewReader(seen)),
		})
	}
	if e, ok := err.(*classify.Error); ok {
		return e
	}
	return nil
}

// begun has the body of an answer that may have to be looked into, and whose length
// nobody knows, read ahead. It returns the response to go on with: while somebody reads
// the body, net/http may write the trailers into the one that it made.
func (x *exchange) begun(resp *http.Response) *http.Response {
	if resp.ContentLength >= 0 || x.t.InspectJSON || x.payment || !x.looks(resp) {
		return resp
	}
	own := *resp
	own.Trailer = maps.Clone(resp.Trailer)
	own.Body = readAhead(resp, &own)
	return &own
}
