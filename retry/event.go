package retry

import (
	"context"
	"log/slog"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/hook"
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
	}
	return "invalid"
}

// An Event tells of a turn in a call that does not simply succeed. It holds no
// request data. Fields may be added.
type Event struct {
	Kind     EventKind
	Name     string           // of the call, see [Named]
	Key      string           // name of the API key in question; empty if none of several was chosen yet, or it has no name
	Attempts int              // sends so far
	Elapsed  time.Duration    // since the call began
	Verdict  classify.Verdict // on the last attempt that failed; zero if none did
	TraceID  string           // of that attempt's answer; EventGaveUp: as in Err
	Effect   classify.Effect  // of all attempts so far: Unknown if any may have changed something
	Error    string           // that attempt's error, as far as it is fit to be logged
	Wait     time.Duration    // EventResend: before the next send
	Err      *Error           // EventGaveUp: what the caller gets
}

// emit tells the observer, if there is one.
func (c *call) emit(ctx context.Context, kind EventKind) {
	if c.r.onEvent != nil {
		c.deliver(ctx, kind)
	}
}

// deliver is apart from emit for the size of an Event: without an observer it
// takes no stack.
func (c *call) deliver(ctx context.Context, kind EventKind) {
	e := Event{
		Kind: kind, Name: c.name, Key: c.key(),
		Attempts: int(c.sends), Elapsed: clock() - c.start, Err: c.ended,
	}
	if !c.doubt {
		e.Effect = classify.NotApplied
	}
	if last := c.history.last(); last != nil {
		e.Verdict, e.TraceID, e.Wait = last.Verdict, last.TraceID, last.Wait
	}
	switch {
	case e.Err != nil:
		e.Error = e.Err.Error()
		e.TraceID = e.Err.TraceID
		if locked := e.Err.lockedBy(); locked != nil && e.Key == "" {
			e.Key = locked.Key
		}
	case c.err != nil:
		e.Error = describe(c.err)
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
	if v.Code != 0 {
		attrs = append(attrs, slog.Int("code", int(v.Code)))
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
