package wire

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/nexpay-go/resilience/internal/carry"
)

// A Watch records whether net/http asked for a connection to send one request, and
// how many connections it got. Use a new one for each send, because a hook may be
// called late. It is also the context of that request.
type Watch struct {
	context.Context // the parent
	asked           atomic.Bool
	got, wrote      atomic.Int32 // connections; requests written, where there is no body
	http2           atomic.Bool  // the requests were written over HTTP/2
	trace           httptrace.ClientTrace
	counter         carry.Counter // also called; nil: none
	out             *http.Request
	base            http.RoundTripper // that sends it
	single          bool
	stopped         atomic.Bool   // stop is closed
	stop            chan struct{} // the Cancel of out, nil if it has none
	body            *once         // &own, nil if there is no body
	own             once
}

// In returns ctx with the watch in it. Use it for the request that is then passed to
// [Watch.Over].
func (w *Watch) In(ctx context.Context) context.Context {
	w.trace.GetConn, w.trace.GotConn = w.asks, w.gets
	w.counter, _ = ctx.Value(carry.CounterKey{}).(carry.Counter)
	if httptrace.ContextClientTrace(ctx) != nil { // keep that trace too
		return httptrace.WithClientTrace(ctx, &w.trace)
	}
	w.Context = ctx
	return w
}

// Value also returns the trace, as after httptrace.WithClientTrace.
func (w *Watch) Value(key any) any {
	if carry.IsTraceKey(key) {
		return &w.trace
	}
	return w.Context.Value(key)
}

func (w *Watch) asks(string) {
	w.asked.Store(true)
	if w.counter != nil {
		w.counter.Asked()
	}
}

// Over watches a request that base will send and whose context is that of [Watch.In].
// If single is set, net/http cannot resend the request at all: it would need GetBody,
// or to know that there is no body. Otherwise net/http resends it at most once. Over
// replaces the request's Cancel; the caller must honour the original one, see
// [Honour].
func (w *Watch) Over(out *http.Request, base http.RoundTripper, single bool) {
	w.out, w.base, w.single = out, base, single
	out.Cancel = nil //lint:ignore SA1019 the caller honours it
	if single || !bodyless(out) {
		w.unrepeatable()
	}
	if bodyless(out) {
		w.trace.WroteHeaderField = w.writes(w.trace.WroteHeaderField)
		w.stoppable()
	}
}

// Watched returns a copy of a request that is sent under the watch, see [Watch.Over].
func (w *Watch) Watched(req *http.Request, base http.RoundTripper, single bool) *http.Request {
	out := req.WithContext(w.In(req.Context()))
	w.Over(out, base, single)
	return out
}

// Unsent reports whether the failed request was certainly not sent, and whether a
// connection for it was asked for. If base is not a transport of package net/http, it
// may not support traces; then only an unread body is proof.
func (w *Watch) Unsent() (unsent, asked bool) {
	switch {
	case w.out == nil: // it was not passed to base
		return true, false
	case w.got.Load() > 0:
		return false, true
	case w.asked.Load():
		return true, true
	case w.body != nil && w.body.state.Load() == touched: // by a transport without traces
		return false, false
	}
	// A transport of package net/http may have another one registered for a scheme, such
	// as HTTP/3, which does not support traces either. It finds a mistake before using it.
	known := Direct(w.base) && (Mistake(w.out) != "" || !changes(w.out.Method))
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
