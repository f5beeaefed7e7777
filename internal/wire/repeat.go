package wire

import (
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
)

// unrepeatable leaves the request without a GetBody, and with a body that net/http
// cannot look into. A method that may have a body has to say that there is none: servers
// answer 411 to chunks of nothing (RFC 9110, section 8.6). Over HTTP/1 net/http
// repeats none of those unless it has an Idempotency-Key.
func (w *Watch) unrepeatable() {
	out := w.out
	out.GetBody = nil
	switch {
	case !bodyless(out):
		w.own.ReadCloser, w.body = out.Body, &w.own
		out.Body = w.body
	case mayHaveBody(out.Method) && !hasKey(out.Header):
		out.Body = http.NoBody
	default:
		out.Body = &once{ReadCloser: http.NoBody}
	}
}

func bodyless(req *http.Request) bool { return req.Body == nil || req.Body == http.NoBody }

func mayHaveBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// hasKey reports whether a request has what net/http takes for leave to repeat it.
func hasKey(h http.Header) bool {
	_, plain := h["Idempotency-Key"]
	_, x := h["X-Idempotency-Key"]
	return plain || x
}

// stoppable gives the request a channel by which to end it, where base may be anything:
// that may hand on a copy of the request, which has the channel, and nothing that is done
// to the request later.
func (w *Watch) stoppable() {
	if !Direct(w.base) {
		w.stop = make(chan struct{})
		w.out.Cancel = w.stop //lint:ignore SA1019 a context that can end would have to be ended, too
	}
}

// gets sees a connection taken. It runs in the goroutine of RoundTrip, before the request
// is written.
func (w *Watch) gets(info httptrace.GotConnInfo) {
	w.got.Add(1)
	if w.stop != nil || bodyless(w.out) { // as it was
		w.keepFromRepeating(info)
	}
	if w.counter != nil {
		w.counter.Got()
	}
}

// writes counts the requests that are about to go out, by a header that each has, and goes
// on with what was to be done then. Once they have gone out would be too late: an answer may
// be faster.
func (w *Watch) writes(then func(string, []string)) func(string, []string) {
	return func(name string, values []string) {
		if name == ":method" || name == "Host" {
			w.http2.Store(name == ":method")
			w.wrote.Add(1)
		}
		if then != nil {
			then(name, values)
		}
	}
}

// Connections is how many net/http got for the request: each may have carried it.
func (w *Watch) Connections() int { return int(w.got.Load()) }

// keepFromRepeating bounds what net/http repeats of a request without a body. Over HTTP/2
// that is as often as the server says that it did nothing with it, hundreds of times a
// second; over HTTP/1 a request that is safe, on every connection that it had kept. One
// that is single goes out once, others twice.
func (w *Watch) keepFromRepeating(info httptrace.GotConnInfo) {
	wrote := w.wrote.Load()
	switch {
	case w.http2.Load() && w.ends(wrote):
	case w.speaksHTTP2(info): // one with a body it gives back, and says why
		if w.single || wrote > 0 {
			w.out.Body = &late{once{ReadCloser: http.NoBody}, w, wrote}
		}
	default: // HTTP/1 looks into the body of these methods, and sends none
		if !w.single && wrote > 0 && !mayHaveBody(w.out.Method) && w.out.Method != http.MethodTrace {
			w.out.Body = &once{ReadCloser: http.NoBody}
		}
	}
}

// ends ends a request that has been written as often as it may be, if it can. HTTP/2 looks
// at the channel just before it writes.
func (w *Watch) ends(wrote int32) bool {
	if w.stop == nil || wrote == 0 || wrote == 1 && !w.single {
		return false
	}
	if !w.stopped.Swap(true) {
		close(w.stop)
	}
	return true
}

// speaksHTTP2 reports whether HTTP/2 is spoken on a connection, as far as that is known:
// through anything but a transport of net/http, and without TLS, once it was.
func (w *Watch) speaksHTTP2(info httptrace.GotConnInfo) bool {
	conn, ok := info.Conn.(interface{ ConnectionState() tls.ConnectionState })
	if ok && conn.ConnectionState().NegotiatedProtocol == "h2" {
		return true
	}
	base, direct := w.base.(*http.Transport)
	if !direct {
		return w.http2.Load()
	}
	return w.out.URL.Scheme == "http" && base.Protocols != nil && base.Protocols.UnencryptedHTTP2() && !base.Protocols.HTTP1()
}

// A late body was given to a request without one when its connection was there. If that
// turns out to be of no use before the request was written, it is taken back: package
// net/http then looks for another connection, and takes every body for one that it knows.
type late struct {
	once
	w     *Watch
	wrote int32 // before
}

// Close comes in time: HTTP/2 waits for it before it gives up a stream.
func (l *late) Close() error {
	err := l.once.Close()
	if l.w.wrote.Load() == l.wrote {
		l.w.out.Body = http.NoBody
	}
	return err
}
