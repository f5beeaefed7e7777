package wire

import (
	"context"
	"crypto/tls"
	"io"
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
	got             atomic.Int32
	trace           httptrace.ClientTrace
	counter         carry.Counter // that is told as well; nil: none
	out             *http.Request
	single          bool
	body            *once // own, nil where there is none to be watched
	own             once
	length          int64 // of the body, 0 if it is not known
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

// gets sees a connection taken. The second one of a send is the replay that net/http
// allows itself where the first was gone before anything came back; more than that it is
// kept from, or a server that goes away before each request is asked hundreds of times a
// second.
func (w *Watch) gets(info httptrace.GotConnInfo) {
	if n := w.got.Add(1); w.single || n > 1 {
		keepFromRepeating(w.out, info, n)
	}
	if w.counter != nil {
		w.counter.Got()
	}
}

// Connections is how many net/http got for the request: each may have carried it.
func (w *Watch) Connections() int { return int(w.got.Load()) }

// Over watches over a request, whose context is that of [Watch.In]. Where single is set,
// net/http is kept from repeating it by itself at all, for which it would need GetBody or
// to know that there is no body.
func (w *Watch) Over(out *http.Request, single bool) {
	w.out, w.single = out, single
	if single {
		w.unrepeatable(out)
	}
}

// Watched returns a copy of a request to be sent under watch, see [Watch.Over].
func (w *Watch) Watched(req *http.Request, single bool) *http.Request {
	out := req.WithContext(w.In(req.Context()))
	w.Over(out, single)
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
		w.own.ReadCloser, w.body, w.length = out.Body, &w.own, out.ContentLength
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
// be empty: where the connection is one of HTTP/2, where it would be sent again as often as
// the server says that it was not, and on the second connection whatever it is. The hook
// runs before it is sent, where it is sent; over HTTP/1 net/http looks into the body, and
// sends none.
func keepFromRepeating(out *http.Request, info httptrace.GotConnInfo, connections int32) {
	if out.Body != nil && out.Body != http.NoBody {
		return
	}
	conn, secure := info.Conn.(interface{ ConnectionState() tls.ConnectionState })
	if connections > 1 || secure && out.Body == http.NoBody && conn.ConnectionState().NegotiatedProtocol == "h2" {
		out.Body = &once{ReadCloser: http.NoBody}
	}
}

// Unsent reports whether the request that failed is known not to have been sent,
// and whether a connection for it was asked for. base is what it was given to: where
// that is no transport of package net/http itself, it may know nothing of traces,
// and then only a body that nobody has read is proof.
func (w *Watch) Unsent(base http.RoundTripper) (unsent, asked bool) {
	switch {
	case w.got.Load() > 0:
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
		b.ended(err)
	}
	return n, err
}

func (b *once) ended(err error) {
	if err == io.EOF { // nearly always
		b.end.CompareAndSwap(nil, &eof)
		return
	}
	b.end.CompareAndSwap(nil, new(err))
}

var eof = io.EOF

func (b *once) Close() error {
	b.closed.Store(true)
	return b.ReadCloser.Close()
}

// seal keeps a body from being read, and reports whether nobody has.
func (b *once) seal() bool { return b.state.CompareAndSwap(untouched, sealed) }
