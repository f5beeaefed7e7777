package retry

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/internal/text"
)

// A Call describes a call that has ended, for Config.OnCall, or one attempt that has ended,
// for Config.OnAttempt. It holds no request data. Fields may be added.
//
// All fields except ID and TraceID may be labels of metrics. Name and Endpoint come from
// the program. Reason and Class have few values. Rule is a name from the program's tables
// or of an HTTP status: with the program's own catalog, a server can cause at most a
// hundred different ones.
type Call struct {
	Name     string // see [Named]; under retryhttp the result of Transport.Name, or "POST api.example.com"
	Endpoint string // see [Endpoint]
	Method   string // of a request under retryhttp: a method of RFC 9110 or PATCH, or "other"
	Host     string // of a request under retryhttp, normalized; never path or query
	Key      string // name of the API key; empty if no key of several was chosen, or it has no name
	ID       string // of a DoOnce operation, empty for other calls: not for labels
	TraceID  string // of the answer to the last failed attempt; if the call failed, as in its *Error: not for labels

	// Reason is how the call ended, in one word. "success"; "panic" if the operation, or a
	// function of the caller's, panicked or called runtime.Goexit; "inner" if the call
	// returned the error of a nested call; otherwise the Reason of its *Error: "fatal",
	// "fix_and_resend", "unclassified", "attempts", "elapsed", "deadline", "canceled",
	// "budget", "open", "locked_out", "retry_after", "resync", "nonce", "outcome_unknown",
	// "applied", "busy", "nested" and "doubt". Empty in OnAttempt.
	Reason string

	Failed bool            // OnCall: Reason is not "success"; OnAttempt: the attempt failed
	Class  classify.Class  // of the last failed attempt; Unclassified also if none failed
	Rule   string          // that classified the last failed attempt; empty if none failed, or no rule matched
	Effect classify.Effect // OnCall: Unknown if the call failed and may have changed something, as after a panic

	// Declined, in OnCall: the API refused the request, by a rule of its table or, without
	// a code, by its status, and nothing was applied. It is false for refusals of the key,
	// which are a lockout, 401, 403 and 407, for a code without a rule, and for an HTML
	// page, which the API has not sent. To the caller a decline is an answer, so you may
	// want to leave it out when you count failures.
	Declined bool
	// Unsettled, in OnCall: the call may have taken effect and must be looked up before it
	// is repeated, see [Error.Repeatable]. It is false for an operation that is in progress
	// elsewhere.
	Unsettled bool

	Attempts int           // OnCall: sends; OnAttempt: number of the attempt, from 1
	Took     time.Duration // from the first wait for a key, or the first send, to the end; OnAttempt: of the send
	Waited   time.Duration // OnCall: the part of Took that was not spent in sends
	Cost     int           // OnCall: tokens of the budget that its resends cost; a success gets those of the last one back
	Fallback bool          // OnCall: its Fallback provides the result
	Outcome  Outcome       // OnCall, of a DoOnce: Applied, Absent, or Undecided if it is unknown here
	InDoubt  bool          // OnCall, of a DoOnce: it ends in a doubt, after [EventDoubt] and without [EventSettled]
}

// Observers returns one function that calls each of fs in order, for Config.OnCall,
// Config.OnAttempt or Config.OnEvent. If one panics, the others are still called. Nil
// functions are left out; without any other, Observers returns nil.
func Observers[T any](fs ...func(context.Context, T)) func(context.Context, T) {
	all := make([]func(context.Context, T), 0, len(fs))
	for _, f := range fs {
		if f != nil {
			all = append(all, f)
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return func(ctx context.Context, v T) {
		for _, f := range all {
			observe(ctx, f, v)
		}
	}
}

func observe[T any](ctx context.Context, f func(context.Context, T), v T) {
	hook.Call("retry: Observers", func() { f(ctx, v) })
}

// ended counts a call that has ended, and reports it to OnCall. Nested calls and lookups
// are not counted, because they are part of an attempt.
func (c *call) ended(ctx context.Context, e ending, err *Error) {
	if c.nested || c.counted {
		return
	}
	c.counted = true
	c.r.counts.add(e, c.count.sends)
	if c.r.onCall != nil {
		c.tellCall(ctx, e, err)
	}
}

// tellCall is separate from ended because of the size of a Call, see deliver.
//
//go:noinline
func (c *call) tellCall(ctx context.Context, e ending, err *Error) {
	is := c.observed()
	is.Reason, is.Failed = e.word(), e != endSuccess
	is.Took = c.elapsed()
	is.Waited = max(is.Took-c.count.sending, 0)
	is.Cost = int(c.count.cost)
	is.Effect = classify.NotApplied
	cut := e == endPanic && c.cut()
	if is.Failed && c.doubt || cut {
		is.Effect = classify.Unknown
	}
	if err != nil {
		is.Effect, is.TraceID = err.Effect, err.TraceID
		is.Declined, is.Unsettled = err.declined(), err.unsettled()
		is.Fallback = c.fallback && err.unasked()
		if locked := err.lockedBy(); locked != nil && is.Key == "" {
			is.Key = locked.Key
		}
	}
	if p, ok := c.guard.(*payment); ok {
		is.ID, is.InDoubt = p.id, p.inDoubt
		is.Outcome = e.outcome(p.inDoubt)
		is.Unsettled = is.Unsettled || cut
		if e == endPanic && p.inDoubt {
			is.Effect, is.Unsettled = classify.Unknown, true
		}
	}
	hook.Call("retry: OnCall", func() { c.r.onCall(ctx, is) })
}

// cut reports whether a call that ended by a panic or exit may have taken effect in its
// last send, of which nothing is known.
func (c *call) cut() bool {
	last := c.history.last()
	return c.count.sends > 0 && (last == nil || last.Number != int(c.count.sends) || last.Verdict.Effect != classify.NotApplied)
}

// attempted reports an attempt that has ended to OnAttempt.
//
//go:noinline
func (c *call) attempted(ctx context.Context, took time.Duration) {
	if c.nested {
		return
	}
	is := c.observed()
	is.Failed, is.Took = c.err != nil, took
	if !is.Failed {
		is.Class, is.Rule, is.TraceID = classify.Unclassified, "", ""
	}
	if p, ok := c.guard.(*payment); ok {
		is.ID = p.id
	}
	hook.Call("retry: OnAttempt", func() { c.r.onAttempt(ctx, is) })
}

// observed returns the fields of a Call that OnCall and OnAttempt share.
func (c *call) observed() Call {
	is := Call{Endpoint: text.Line(c.endpoint), Key: c.key(), Attempts: int(c.count.sends)}
	is.Name, is.Method, is.Host = c.described()
	if last := c.history.last(); last != nil {
		is.Class, is.Rule, is.TraceID = last.Verdict.Class, ruleLabel(&last.Verdict), last.TraceID
	}
	return is
}

// ruleLabel returns the rule of a verdict. Statuses without a registered name are grouped
// by hundreds, because a server can send any.
func ruleLabel(v *classify.Verdict) string {
	if v.Status != 0 && http.StatusText(v.Status) == "" && strings.HasPrefix(v.Rule, "HTTP ") {
		return "HTTP " + string(rune('0'+v.Status/100)) + "xx"
	}
	return v.Rule
}
