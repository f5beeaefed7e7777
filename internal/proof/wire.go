package proof

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/nexpay-go/resilience/internal/carry"
)

// A Wire counts the connections of one send, which net/http reports to the trace in its
// context, or an adapter to the Wire itself. Each send has its own Wire, because a hook may
// run late. It is also the context in which the adapter finds it.
type Wire struct {
	context.Context
	counted    bool // by an adapter instead of a trace
	asked, got atomic.Int32
	trace      httptrace.ClientTrace
}

// Traced returns ctx with a trace for w, unless an adapter counts. A trace of the caller's
// runs too.
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

// Asked counts a connection that was asked for.
func (w *Wire) Asked() { w.asked.Add(1) }

// Got counts a connection that was made.
func (w *Wire) Got() { w.got.Add(1) }
