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

// patience is how long a 2xx of unknown length that may be small JSON is read ahead before
// it is passed on as a stream. Small answers arrive with their header or right after it. A
// stream, which may call itself JSON and pause for minutes before its first byte, must not
// wait for us.
const patience = 100 * time.Millisecond

// inspectable reports whether a 2xx is inspected: small JSON, as far as the header tells, of an
// API whose shape says where answers have codes.
func (x *exchange) inspectable(resp *http.Response) bool {
	return x.catalog != nil && resp.StatusCode >= 200 && resp.StatusCode <= 299 &&
		resp.ContentLength <= mostError && resp.Body != http.NoBody && x.req.Method != http.MethodHead &&
		saysJSON(resp.Header.Get("Content-Type")) && x.mayHaveCodes()
}

// mayHaveCodes reports whether a 2xx may have codes.
func (x *exchange) mayHaveCodes() bool {
	s := x.catalog.Shape()
	return len(s.Code) > 0 && !s.StatusDecides
}

func saysJSON(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json")
}

// inspectSmall classifies a small JSON answer with a 2xx. An answer that cannot be read is left to
// the caller.
func (x *exchange) inspectSmall(resp *http.Response, out *http.Request) error {
	if !x.inspectable(resp) {
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

// begun reads ahead the body of an answer that may be inspected and whose length is
// unknown. It returns a copy of the response to go on with, because net/http may write
// trailers into the original while the body is read.
func (x *exchange) begun(resp *http.Response) *http.Response {
	if resp.ContentLength >= 0 || x.t.InspectJSON || x.payment || !x.inspectable(resp) {
		return resp
	}
	own := *resp
	own.Trailer = maps.Clone(resp.Trailer)
	own.Body = readAhead(resp, &own)
	return &own
}
