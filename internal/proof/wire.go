package proof

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/nexpay-go/resilience/internal/carry"
)

// A Wire counts the connections of one send, as net/http reports them to the trace
// in its context, or an adapter to the Wire itself. A fresh one for each send: a hook may
// come late. It is a context where that adapter finds it.
type Wire struct {
	context.Context
	asked, got atomic.Int32
	trace      httptrace.ClientTrace
}

// Traced is ctx with a trace for w, where nobody counts by itself. That of the caller's is
// run as well.
func (w *Wire) Traced(ctx context.Context) context.Context {
	if _, counts := ctx.(carry.Counting); counts {
		w.Context = ctx
		return w
	}
	w.trace.GetConn = func(string) { w.Asked() }
	w.trace.GotConn = func(httptrace.GotConnInfo) { w.Got() }
	return httptrace.WithClientTrace(ctx, &w.trace)
}

// Value adds the Wire.
func (w *Wire) Value(key any) any {
	if key == (carry.CounterKey{}) {
		return w
	}
	return w.Context.Value(key)
}

// Asked counts that a connection was asked for.
func (w *Wire) Asked() { w.asked.Add(1) }

// Got counts one that was had.
func (w *Wire) Got() { w.got.Add(1) }
