package proof

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/nexpay-go/resilience/internal/carry"
)

// A Wire counts the connections of one send, as net/http reports them to the trace
// in its context, or an adapter to the Wire itself. A fresh one for each send: a hook may
// come late. It is the context where that adapter finds it.
type Wire struct {
	context.Context
	counted    bool // by an adapter, and not by a trace
	asked, got atomic.Int32
	trace      httptrace.ClientTrace
}

// Traced is ctx with a trace for w, where nobody counts by itself. That of the caller's is
// run as well.
func (w *Wire) Traced(ctx context.Context) context.Context {
	w.Context = ctx
	if _, w.counted = ctx.(carry.Counting); w.counted {
		return w
	}
	w.trace.GetConn = func(string) { w.Asked() }
	w.trace.GotConn = func(httptrace.GotConnInfo) { w.Got() }
	w.Context = httptrace.WithClientTrace(ctx, &w.trace)
	return w
}

// Value adds the Wire.
func (w *Wire) Value(key any) any {
	if key == (carry.SentKey{}) || w.counted && key == (carry.CounterKey{}) {
		return w
	}
	return w.Context.Value(key)
}

// Asked counts that a connection was asked for.
func (w *Wire) Asked() { w.asked.Add(1) }

// Got counts one that was had.
func (w *Wire) Got() { w.got.Add(1) }
