package wire

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// A Watch sees whether net/http asked for a connection to send one request, and
// got one. A fresh one for each send: a hook may come late.
type Watch struct {
	asked, got atomic.Bool
	trace      httptrace.ClientTrace
	out        *http.Request
	body       *once
	length     int64 // of the body, 0 if it is not known
}

// Watched returns a copy of a request to be sent under watch. Where single is set,
// net/http is kept from repeating it by itself, for which it would need GetBody or
// to know that there is no body.
func (w *Watch) Watched(req *http.Request, single bool) *http.Request {
	var out *http.Request
	w.trace.GetConn = func(string) { w.asked.Store(true) }
	w.trace.GotConn = func(info httptrace.GotConnInfo) {
		w.got.Store(true)
		if single {
			keepFromRepeating(out, info)
		}
	}
	out = req.WithContext(httptrace.WithClientTrace(req.Context(), &w.trace))
	w.out = out
	if single {
		w.unrepeatable(out)
	}
	return out
}

// unrepeatable leaves out without a GetBody, and with a body that net/http cannot
// look into. A method that may have a body has to say that there is none: servers
// answer 411 to chunks of nothing (RFC 9110, section 8.6). Over HTTP/1 net/http
// repeats none of those unless it has an Idempotency-Key.
func (w *Watch) unrepeatable(out *http.Request) {
	out.GetBody = nil
	switch {
	case out.Body != nil && out.Body != http.NoBody:
		w.body, w.length = &once{ReadCloser: out.Body}, out.ContentLength
		out.Body = w.body
	case mayHaveBody(out.Method) && !hasKey(out.Header):
		out.Body = http.NoBody
	default:
		out.Body = &once{ReadCloser: http.NoBody}
	}
}

func mayHaveBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// hasKey reports whether a request has what net/http takes for leave to repeat it.
func hasKey(h http.Header) bool {
	_, plain := h["Idempotency-Key"]
	_, x := h["X-Idempotency-Key"]
	return plain || x
}

// keepFromRepeating gives a request without a body one that net/http cannot know to
// be empty, where the connection is one of HTTP/2: there it would be sent again as
// often as the server says that it was not. The hook runs before it is sent, where
// it is sent.
func keepFromRepeating(out *http.Request, info httptrace.GotConnInfo) {
	conn, secure := info.Conn.(interface{ ConnectionState() tls.ConnectionState })
	if secure && out.Body == http.NoBody && conn.ConnectionState().NegotiatedProtocol == "h2" {
		out.Body = &once{ReadCloser: http.NoBody}
	}
}

// Unsent reports whether the request that failed is known not to have been sent,
// and whether a connection for it was asked for. base is what it was given to: where
// that is no transport of package net/http itself, it may know nothing of traces,
// and then only a body that nobody has read is proof.
func (w *Watch) Unsent(base http.RoundTripper) (unsent, asked bool) {
	switch {
	case w.got.Load():
		return false, true
	case w.asked.Load():
		return true, true
	case w.body != nil && w.body.state.Load() == touched: // by something that knows nothing of traces
		return false, false
	}
	// A transport of package net/http may have another one registered for a scheme,
	// HTTP/3 say, which knows nothing of traces either; a mistake it finds before that.
	known := Direct(base) && (Mistake(w.out) != "" || !changes(w.out.Method))
	return known || w.body != nil && w.body.seal(), false
}

// changes reports whether a method may change something.
func changes(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// Direct reports whether base is a transport of package net/http.
func Direct(base http.RoundTripper) bool {
	_, direct := base.(*http.Transport)
	return direct
}

// once is a body that net/http cannot look into, nor rewind. It knows whether
// somebody has begun to read it, and can be sealed if not.
type once struct {
	io.ReadCloser
	state  atomic.Int32
	read   atomic.Int64          // bytes
	closed atomic.Bool           // what fails after that is no news
	end    atomic.Pointer[error] // that came before
}

const (
	untouched int32 = iota
	touched
	sealed
)

func (b *once) Read(p []byte) (int, error) {
	b.state.CompareAndSwap(untouched, touched)
	if b.state.Load() == sealed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	if err != nil && !b.closed.Load() {
		b.end.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (b *once) Close() error {
	b.closed.Store(true)
	return b.ReadCloser.Close()
}

// seal keeps a body from being read, and reports whether nobody has.
func (b *once) seal() bool { return b.state.CompareAndSwap(untouched, sealed) }
