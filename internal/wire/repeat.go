package wire

import (
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
)

// unrepeatable removes GetBody from the request and gives it a body that net/http
// cannot inspect. A request whose method may have a body must show that it has none:
// servers answer 411 to an empty chunked body (RFC 9110, section 8.6). Over HTTP/1,
// net/http resends none of those unless it has an Idempotency-Key.
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

// hasKey reports whether a request has a header that makes net/http resend it.
func hasKey(h http.Header) bool {
	_, plain := h["Idempotency-Key"]
	_, x := h["X-Idempotency-Key"]
	return plain || x
}

// stoppable gives the request a Cancel channel that can end it, where base is not a
// transport of net/http. Such a base may send a copy of the request: the copy has the
// channel, but not later changes to the request.
func (w *Watch) stoppable() {
	if !Direct(w.base) {
		w.stop = make(chan struct{})
		w.out.Cancel = w.stop //lint:ignore SA1019 a context that can end would have to be ended, too
	}
}

// gets is called when net/http got a connection. It runs in the goroutine of
// RoundTrip, before the request is written.
func (w *Watch) gets(info httptrace.GotConnInfo) {
	w.got.Add(1)
	if w.stop != nil || bodyless(w.out) { // the original request
		w.keepFromRepeating(info)
	}
	if w.counter != nil {
		w.counter.Got()
	}
}

// writes returns a trace function that counts requests just before they are written,
// by a header that each has, and then calls then. Counting after the write would be
// too late: the answer may arrive first.
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

// Connections returns how many connections net/http got for the request. Each of them
// may have carried it.
func (w *Watch) Connections() int { return int(w.got.Load()) }

// keepFromRepeating limits how often net/http resends a request without a body. Over
// HTTP/2 it resends as often as the server reports that it did not process the
// request, hundreds of times a second; over HTTP/1 it resends a safe request on every
// connection that it had kept. A request with single set is sent once, others twice.
func (w *Watch) keepFromRepeating(info httptrace.GotConnInfo) {
	wrote := w.wrote.Load()
	switch {
	case w.http2.Load() && w.ends(wrote):
	case w.speaksHTTP2(info): // it returns a request with a body, with the reason
		if w.single || wrote > 0 {
			w.out.Body = &late{once{ReadCloser: http.NoBody}, w, wrote}
		}
	default: // HTTP/1 inspects the body of these methods, and sends none
		if !w.single && wrote > 0 && !mayHaveBody(w.out.Method) && w.out.Method != http.MethodTrace {
			w.out.Body = &once{ReadCloser: http.NoBody}
		}
	}
}

// ends ends a request, if it can, that has been written as often as allowed. HTTP/2
// checks the channel just before it writes.
func (w *Watch) ends(wrote int32) bool {
	if w.stop == nil || wrote == 0 || wrote == 1 && !w.single {
		return false
	}
	if !w.stopped.Swap(true) {
		close(w.stop)
	}
	return true
}

// speaksHTTP2 reports whether the connection uses HTTP/2, as far as that is known.
// Without TLS, or if base is not a transport of net/http, it is known only after the
// first write.
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

// A late body is given to a request without one when its connection is there. If the
// connection turns out to be unusable before the request was written, the body is
// removed again: package net/http then tries another connection, and treats every
// body as one that it knows.
type late struct {
	once
	w     *Watch
	wrote int32 // the value when the body was given
}

// Close is called early enough: HTTP/2 waits for it before it gives up a stream.
func (l *late) Close() error {
	err := l.once.Close()
	if l.w.wrote.Load() == l.wrote {
		l.w.out.Body = http.NoBody
	}
	return err
}
