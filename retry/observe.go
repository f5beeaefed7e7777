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

// A Call is what Config.OnCall is told at the end of a call, and Config.OnAttempt at
// the end of one attempt. It holds no request data. Fields may be added.
//
// All but ID and TraceID are fit for the labels of metrics. Name and Endpoint are the program's
// own words. Reason and Class are of small fixed sets. Rule is a name in the
// program's tables, or of an HTTP status: a server can bring it to a hundred different
// ones at most, where the catalog is its own.
type Call struct {
	Name     string // see [Named]; under retryhttp its Transport.Name, or "POST api.example.com"
	Endpoint string // see [Endpoint]
	Method   string // of a request under retryhttp: a method of RFC 9110 or PATCH, or "other"
	Host     string // of a request under retryhttp, in one spelling; never path or query
	Key      string // name of the API key; empty if none of several was chosen, or it has no name
	ID       string // of a DoOnce operation, empty for other calls: not for labels
	TraceID  string // of the answer to the last failed attempt; if the call failed, as in its *Error: not for labels

	// Reason says how the call ended, in one word: "success"; "panic" where the
	// operation, or a hook of the caller's, panicked or called runtime.Goexit; "inner" where the call
	// returned the error of another one inside it; or that of the Reason of its *Error:
	// "fatal", "fix_and_resend", "unclassified", "attempts", "elapsed", "deadline",
	// "canceled", "budget", "open", "locked_out", "retry_after", "resync", "nonce",
	// "outcome_unknown", "applied", "busy", "nested" and "doubt". Empty in OnAttempt.
	Reason string

	Failed bool            // OnCall: Reason is not "success"; OnAttempt: the attempt failed
	Class  classify.Class  // of the last failed attempt; Unclassified too if none failed
	Rule   string          // that decided about the last failed attempt; empty if none failed, or no rule knew
	Effect classify.Effect // OnCall: Unknown where a call that failed may have changed something

	// Declined, in OnCall: the API has refused the request by a rule of its table, a code's
	// or a status's, which says that nothing was applied, and not for what it thinks of the
	// key: no lockout, no 401, 403 or 407. To the caller that is an answer: whoever counts
	// failures may want to leave it out.
	Declined bool
	// Unsettled, in OnCall: the call may have taken effect, and must not be made again
	// before somebody has looked, see [Error.Repeatable]. An operation that another call is
	// at is not.
	Unsettled bool

	Attempts int           // OnCall: sends; OnAttempt: number of the attempt, from 1
	Took     time.Duration // from the first wait for a key, or send, to the end; OnAttempt: of the send
	Waited   time.Duration // OnCall: of that, what was not spent in sends
	Cost     int           // OnCall: tokens of the budget that its resends cost; a success gets those of the last one back
	Fallback bool          // OnCall: its Fallback is about to say what it returns
	Outcome  Outcome       // OnCall, of a DoOnce: Applied, Absent, or Undecided where nobody knows here
	InDoubt  bool          // OnCall, of a DoOnce: it ends in a doubt that [EventDoubt] told of and no [EventSettled] ended
}

// Observers returns one function that calls each of fs in their order, for
// Config.OnCall, Config.OnAttempt or Config.OnEvent. A panic in one does not keep the
// others from being called. Those that are nil are left out; without any it is nil.
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

// ended counts a call that is over, and tells of it. Calls that are part of another
// one's attempt are not counted: that one is.
func (c *call) ended(ctx context.Context, e ending, err *Error) {
	if c.part || c.counted {
		return
	}
	c.counted = true
	c.r.counts.add(e, c.count.sends)
	if c.r.onCall != nil {
		c.tellCall(ctx, e, err)
	}
}

// tellCall is apart from ended for the size of a Call, see deliver.
//
//go:noinline
func (c *call) tellCall(ctx context.Context, e ending, err *Error) {
	is := c.observed()
	is.Reason, is.Failed = endingWords[e], e != endSuccess
	is.Took = c.elapsed()
	is.Waited = max(is.Took-c.count.sending, 0)
	is.Cost = int(c.count.cost)
	is.Effect = classify.NotApplied
	if is.Failed && c.doubt {
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
	}
	hook.Call("retry: OnCall", func() { c.r.onCall(ctx, is) })
}

// attempted tells of an attempt that is over.
//
//go:noinline
func (c *call) attempted(ctx context.Context, took time.Duration) {
	if c.part {
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

// observed is what a Call says of the whole call and of each attempt.
func (c *call) observed() Call {
	is := Call{Endpoint: text.Line(c.endpoint), Key: c.key(), Attempts: int(c.count.sends)}
	is.Name, is.Method, is.Host = c.described()
	if last := c.history.last(); last != nil {
		is.Class, is.Rule, is.TraceID = last.Verdict.Class, ruleLabel(&last.Verdict), last.TraceID
	}
	return is
}

// ruleLabel is the rule of a verdict, with the statuses that no standard names by
// their hundred: a server can make up any.
func ruleLabel(v *classify.Verdict) string {
	if v.Status != 0 && http.StatusText(v.Status) == "" && strings.HasPrefix(v.Rule, "HTTP ") {
		return "HTTP " + string(rune('0'+v.Status/100)) + "xx"
	}
	return v.Rule
}
