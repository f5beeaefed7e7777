package retry

import (
	"context"
	"log/slog"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/internal/text"
)

// An EventKind says what an [Event] tells of.
type EventKind uint8

const (
	// EventResend: an attempt failed and another is due after Wait, unless the
	// call ends before. The verdict's class tells which way: after a wait, a
	// resync or a fix.
	EventResend EventKind = iota + 1
	// EventRecovered: a call succeeded after more than one send.
	EventRecovered
	// EventGaveUp: a call ended without success; Err tells all of it.
	EventGaveUp
	// EventLockedOut: an answer locked Key out for all calls.
	EventLockedOut
	// EventDoubt: a [DoOnce] operation may have happened from here on, or an
	// earlier process left it so.
	EventDoubt
	// EventLookup: Verify was asked; Outcome is its answer, Verdict that on its error.
	EventLookup
	// EventSettled: the operation is out of doubt; Outcome is Applied or Absent.
	EventSettled
	// EventJournal: the journal could not be told how an operation ended, which
	// changes nothing about that; the next start will look it up.
	EventJournal
	// EventHedge: an attempt has had no answer for as long as [Hedge] was told, and
	// a second send begins beside it, with its turn and its lease in hand.
	EventHedge
	// EventFallback: a call ended at an open breaker or a locked key, and its
	// [Fallback] says what it returns. Err is what it was told.
	EventFallback
	// EventWarning: an adapter has found something that a person should know, see
	// [Retrier.Warn]. Error says what.
	EventWarning
	// EventUnknownCode: an answer had a code, Unknown, that no rule of the catalog
	// knows, for the first time. See [Retrier.Stats].
	EventUnknownCode
)

// String returns the kind in lower case.
func (k EventKind) String() string {
	switch k {
	case EventResend:
		return "resend"
	case EventRecovered:
		return "recovered"
	case EventGaveUp:
		return "gave up"
	case EventLockedOut:
		return "locked out"
	case EventDoubt:
		return "in doubt"
	case EventLookup:
		return "looked up"
	case EventSettled:
		return "out of doubt"
	case EventJournal:
		return "journal failed"
	case EventHedge:
		return "hedge"
	case EventFallback:
		return "fallback"
	case EventWarning:
		return "warning"
	case EventUnknownCode:
		return "unknown code"
	}
	return "invalid"
}

// MarshalText is String, for JSON and logs. It cannot be read back.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// An Event reports something in a call that does not simply succeed. It holds no
// request data. Fields may be added.
type Event struct {
	Kind     EventKind
	Name     string           // of the call, see [Named]; under retryhttp its Transport.Name, or "POST api.example.com"
	Endpoint string           // of the call, see [Endpoint]
	Method   string           // of a request under retryhttp: a method of RFC 9110 or PATCH, or "other"
	Host     string           // of a request under retryhttp, in one spelling; never path or query
	Key      string           // name of the API key in question; empty if none of several was chosen yet, or it has no name
	Attempts int              // sends so far
	Elapsed  time.Duration    // since the call began
	Verdict  classify.Verdict // on the last attempt that failed; zero if none did
	TraceID  string           // of that attempt's answer; EventGaveUp, EventFallback: as in Err
	Effect   classify.Effect  // of all attempts so far: Unknown if any may have changed something
	Error    string           // that attempt's error, as far as it is fit to be logged
	Wait     time.Duration    // EventResend: before the next send
	Took     time.Duration    // the last send that failed; EventLookup: the lookup
	Reason   string           // EventGaveUp, EventFallback: why, in one word as in [Call]
	Err      *Error           // EventGaveUp: what the caller gets; EventFallback: what its Fallback is told
	ID       string           // of a DoOnce operation
	Rule     string           // of a DoOnce operation: the row of the protocol that led here, "Sending Unproved → Doubt (M3)"
	Outcome  Outcome          // EventLookup, EventSettled: what was found out
	Unknown  classify.Code    // EventUnknownCode: that code
}

// emit passes an event to the observer, if there is one. why is given where the
// call ends.
func (c *call) emit(ctx context.Context, kind EventKind, why *Error) {
	if c.r.onEvent != nil {
		c.deliver(ctx, kind, why)
	}
}

// deliver is apart from emit for the size of an Event: without an observer it
// takes no stack.
func (c *call) deliver(ctx context.Context, kind EventKind, why *Error) {
	e := c.event(kind)
	e.Err = why
	if last := c.history.last(); last != nil {
		e.Verdict, e.TraceID, e.Wait, e.Took = last.Verdict, last.TraceID, last.Wait, last.Took
	}
	switch {
	case e.Err != nil:
		e.Error = e.Err.Error()
		e.TraceID, e.Reason = e.Err.TraceID, endingWords[endingOf(e.Err.Reason)]
		if locked := e.Err.lockedBy(); locked != nil && e.Key == "" {
			e.Key = locked.Key
		}
	case c.err != nil:
		e.Error = c.textOf(c.err)
	}
	c.tellObserver(ctx, e)
}

// Warn tells the observer of something that a person should know, as an
// [EventWarning] with text as its Error: for adapters, which have no observer of
// their own. What is not printable is left out, and what is beyond 256 bytes. It
// must hold no request data.
func (r *Retrier) Warn(ctx context.Context, name, warning string) {
	if r.onEvent == nil {
		return
	}
	e := Event{Kind: EventWarning, Name: text.Line(name), Effect: classify.NotApplied, Error: text.Line(warning)}
	if d, ok := ctx.(carry.Described); ok {
		_, e.Method, e.Host = d.Describe()
		e.Endpoint, e.Host = text.Line(d.Endpoint()), text.Line(e.Host)
	}
	hook.Call("retry: OnEvent", func() { r.onEvent(ctx, e) })
}

// event is what every event of the call says.
func (c *call) event(kind EventKind) Event {
	e := Event{Kind: kind, Endpoint: text.Line(c.endpoint), Key: c.key(), Attempts: int(c.count.sends), Elapsed: c.elapsed()}
	e.Name, e.Method, e.Host = c.described()
	if !c.doubt {
		e.Effect = classify.NotApplied
	}
	return e
}

// described returns the name of the call, and method and host where an adapter knows
// them.
func (c *call) described() (name, method, host string) {
	if c.adapter == nil {
		return c.name, "", ""
	}
	name, method, host = c.adapter.Describe()
	if c.name != "" {
		name = c.name
	}
	return text.Line(name), method, text.Line(host)
}

func (c *call) tellObserver(ctx context.Context, e Event) {
	if c.guard != nil && !c.guard.annotate(&e) {
		return
	}
	hook.Call("retry: OnEvent", func() { c.r.onEvent(ctx, e) })
}

// verdictAttrs are the parts of a verdict that a log line should carry. Of a send
// that failed, class and effect say something even where no rule does.
func verdictAttrs(failed bool, v classify.Verdict, effect classify.Effect, trace string) []slog.Attr {
	var attrs []slog.Attr
	if failed {
		attrs = append(attrs, slog.String("class", v.Class.String()))
	}
	if v.Rule != "" {
		attrs = append(attrs, slog.String("rule", v.Rule))
	}
	if failed {
		attrs = append(attrs, slog.String("effect", effect.String()))
	}
	if v.Code != "" {
		attrs = append(attrs, slog.String("code", string(v.Code)))
	}
	if v.Status != 0 {
		attrs = append(attrs, slog.Int("status", v.Status))
	}
	if v.RetryAfter != 0 {
		attrs = append(attrs, slog.Duration("retry_after", v.RetryAfter))
	}
	if trace != "" {
		attrs = append(attrs, slog.String("trace", trace))
	}
	return attrs
}
