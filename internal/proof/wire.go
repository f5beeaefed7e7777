package proof

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// A Wire counts the connections of one send, as net/http reports them to the trace
// in its context. A fresh one for each send: a hook may come late.
type Wire struct {
	asked, got atomic.Int32
	trace      httptrace.ClientTrace
}

// Traced is ctx with a trace for w. That of the caller's is run as well.
func (w *Wire) Traced(ctx context.Context) context.Context {
	w.trace.GetConn = func(string) { w.asked.Add(1) }
	w.trace.GotConn = func(httptrace.GotConnInfo) { w.got.Add(1) }
	return httptrace.WithClientTrace(ctx, &w.trace)
}

// IsTrace reports whether key is that by which a context finds its trace.
func IsTrace(key any) bool { return key == traceKey }

var traceKey = func() any {
	var f keyFinder
	httptrace.ContextClientTrace(&f)
	return f.key
}()

// A keyFinder is a context that remembers what it was asked for.
type keyFinder struct {
	context.Context
	key any
}

func (f *keyFinder) Value(key any) any {
	f.key = key
	return nil
}
