package wire

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/nexpay-go/resilience/internal/carry"
)

// A Watch sees whether net/http asked for a connection to send one request, and how
// many it got. A fresh one for each send: a hook may come late. It is the context of that
// request.
type Watch struct {
	context.Context // around it
	asked           atomic.Bool
	got, wrote      atomic.Int32 // connections; requests, where there is no body
	http2           atomic.Bool  // as what they were written
	trace           httptrace.ClientTrace
	counter         carry.Counter // that is told as well; nil: none
	out             *http.Request
	base            http.RoundTripper // that is given it
	single          bool
	stopped         atomic.Bool   // stop is closed
	stop            chan struct{} // the Cancel of out, nil if it has none
	body            *once         // own, nil where there is none to be watched
	own             once
}

// In returns ctx with the watch in it, for the request that [Watch.Over] is given then.
func (w *Watch) In(ctx context.Context) context.Context {
	w.trace.GetConn, w.trace.GotConn = w.asks, w.gets
	w.counter, _ = ctx.Value(carry.CounterKey{}).(carry.Counter)
	if httptrace.ContextClientTrace(ctx) != nil { // which goes on
		return httptrace.WithClientTrace(ctx, &w.trace)
	}
	w.Context = ctx
	return w
}

// Value adds the trace, as httptrace.WithClientTrace would.
func (w *Watch) Value(key any) any {
	if carry.IsTrace(key) {
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

// Over watches over a request, whose context is that of [Watch.In], and which base is
// given. Where single is set, net/http is kept from repeating it by itself at all, for
// which it would need GetBody or to know that there is no body; else from doing so more
// than once. Its Cancel is replaced: who calls this has it heeded, see [Heed].
func (w *Watch) Over(out *http.Request, base http.RoundTripper, single bool) {
	w.out, w.base, w.single = out, base, single
	out.Cancel = nil //lint:ignore SA1019 it is heeded, or this is its end
	if single || !bodyless(out) {
		w.unrepeatable()
	}
	if bodyless(out) {
		w.trace.WroteHeaderField = w.writes(w.trace.WroteHeaderField)
		w.stoppable()
	}
}

// Watched returns a copy of a request to be sent under watch, see [Watch.Over].
func (w *Watch) Watched(req *http.Request, base http.RoundTripper, single bool) *http.Request {
	out := req.WithContext(w.In(req.Context()))
	w.Over(out, base, single)
	return out
}

// Unsent reports whether the request that failed is known not to have been sent,
// and whether a connection for it was asked for. Where it was given to something that is
// no transport of package net/http itself, that may know nothing of traces, and then only
// a body that nobody has read is proof.
func (w *Watch) Unsent() (unsent, asked bool) {
	switch {
	case w.out == nil: // nobody was given it
		return true, false
	case w.got.Load() > 0:
		return false, true
	case w.asked.Load():
		return true, true
	case w.body != nil && w.body.state.Load() == touched: // by something that knows nothing of traces
		return false, false
	}
	// A transport of package net/http may have another one registered for a scheme,
	// HTTP/3 say, which knows nothing of traces either; a mistake it finds before that.
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
