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

// An EventKind is the kind of an [Event].
type EventKind uint8

const (
	// EventResend: an attempt failed, and another one follows after Wait unless the call
	// ends first. The verdict's class says how: after a wait, a resync or a fix.
	EventResend EventKind = iota + 1
	// EventRecovered: a call succeeded after more than one send.
	EventRecovered
	// EventGaveUp: a call ended without success. Err is the error that the caller gets.
	EventGaveUp
	// EventLockedOut: an answer locked Key out for all calls.
	EventLockedOut
	// EventDoubt: from now on a [DoOnce] operation may have happened, or an earlier process
	// left it in that state.
	EventDoubt
	// EventLookup: Verify was called. Outcome is its result, Verdict the verdict on its
	// error.
	EventLookup
	// EventSettled: the operation is out of doubt. Outcome is Applied or Absent.
	EventSettled
	// EventJournal: the journal could not record how an operation ended. The outcome
	// stands; the next start will look it up.
	EventJournal
	// EventHedge: an attempt has had no answer for the delay given to [Hedge], and a second
	// send begins beside it. The second send already holds its turn and its lease.
	EventHedge
	// EventFallback: a call ended at an open breaker or a locked key, and its [Fallback]
	// provides the result. Err is the error that the Fallback gets.
	EventFallback
	// EventWarning: something that a person should know. An adapter found it, see
	// [Retrier.Warn], or an answer was a 4xx with a JSON body in which the catalog's Shape
	// finds nothing; that is reported once for each Retrier. Error is the text.
	EventWarning
	// EventUnknownCode: an answer had a code for the first time that no rule of the catalog
	// covers. Unknown is that code. See [Retrier.Stats].
	EventUnknownCode
)

var eventKinds = [...]string{
	EventResend: "resend", EventRecovered: "recovered", EventGaveUp: "gave up", EventLockedOut: "locked out",
	EventDoubt: "in doubt", EventLookup: "looked up", EventSettled: "out of doubt", EventJournal: "journal failed",
	EventHedge: "hedge", EventFallback: "fallback", EventWarning: "warning", EventUnknownCode: "unknown code",
}

// String returns the kind in lower case.
func (k EventKind) String() string {
	if k == 0 || int(k) >= len(eventKinds) {
		return "invalid"
	}
	return eventKinds[k]
}

// MarshalText returns the text of String, for JSON and logs. It cannot be parsed back.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// An Event reports something unusual in a call: a resend, a failure, a doubt. A call that
// succeeds at once has none. An Event holds no request data. Fields may be added.
type Event struct {
	Kind     EventKind
	Name     string           // of the call, see [Named]; under retryhttp the result of Transport.Name, or "POST api.example.com"
	Endpoint string           // of the call, see [Endpoint]
	Method   string           // of a request under retryhttp: a method of RFC 9110 or PATCH, or "other"
	Host     string           // of a request under retryhttp, normalized; never path or query
	Key      string           // name of the API key; empty if no key of several was chosen yet, or it has no name
	Attempts int              // sends so far
	Elapsed  time.Duration    // since the call began
	Verdict  classify.Verdict // on the last failed attempt; zero if none failed
	TraceID  string           // of the answer to that attempt; EventGaveUp, EventFallback: as in Err
	Effect   classify.Effect  // of all attempts so far: Unknown if any may have changed something
	Error    string           // text of that attempt's error, as far as it is safe to log
	Wait     time.Duration    // EventResend: time until the next send
	Took     time.Duration    // by the last failed send; EventLookup: by the lookup
	Reason   string           // EventGaveUp, EventFallback: why the call ended, one word of [Call].Reason
	Err      *Error           // EventGaveUp: the error that the caller gets; EventFallback: the error that the Fallback gets
	ID       string           // of a DoOnce operation
	Rule     string           // of a DoOnce operation: the protocol step that led here, "Sending Unproved → Doubt (M3)"
	Outcome  Outcome          // EventLookup, EventSettled: the outcome found
	Unknown  classify.Code    // EventUnknownCode: the code
}

// emit passes an event to the observer, if there is one. why is set if the call ends.
func (c *call) emit(ctx context.Context, kind EventKind, why *Error) {
	if c.r.onEvent != nil {
		c.deliver(ctx, kind, why)
	}
}

// deliver is separate from emit because of the size of an Event: without an observer it
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
		e.TraceID, e.Reason = e.Err.TraceID, endingOf(e.Err.Reason).word()
		if locked := e.Err.lockedBy(); locked != nil && e.Key == "" {
			e.Key = locked.Key
		}
	case c.err != nil:
		e.Error = c.textOf(c.err)
	}
	c.tellObserver(ctx, e)
}

// Warn reports something that a person should know to Config.OnEvent, as an [EventWarning]
// whose Error is warning. It is for adapters, which have no observer of their own. Both
// texts lose unprintable characters and are cut at 256 bytes. They must hold no request
// data.
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

// event returns an Event with the fields that all events of the call have.
func (c *call) event(kind EventKind) Event {
	e := Event{Kind: kind, Endpoint: text.Line(c.endpoint), Key: c.key(), Attempts: int(c.count.sends), Elapsed: c.elapsed()}
	e.Name, e.Method, e.Host = c.described()
	if !c.doubt {
		e.Effect = classify.NotApplied
	}
	return e
}

// described returns the name of the call, and its method and host if an adapter knows them.
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

// verdictAttrs returns the parts of a verdict that a log line carries. For a failed send,
// class and effect are useful even without a rule.
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
