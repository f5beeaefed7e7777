package retry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/internal/protocol"
	"github.com/nexpay-go/resilience/internal/redact"
	"github.com/nexpay-go/resilience/internal/text"
)

// A Doubt is all that a person needs to finish the job where the engine could
// not: to find out whether an operation happened. It holds no request data.
type Doubt struct {
	ID  string // of the operation
	Key string // name of the API key it was sent with; empty if it has none

	Sends    []Sent   // that may have taken effect, in order; at most 16: the first 8 and the last 8
	SentHere bool     // by this very call; false: by an earlier process, or another one
	TraceIDs []string // of every answer that left it in doubt, for the API's support; at most 16

	Lookups int    // how often Verify was asked
	Answer  Answer // its last answer; the zero Answer if it was never asked
	Absent  int    // how many of its answers since the last send counted as Absent; two would have been proof

	// Blocked is what kept the engine from finding out: a *breaker.OpenError or
	// *breaker.LockedError, ErrCanceled, ErrDeadline, a Fatal error of Verify's, a
	// journal that failed, or that the time to look was up.
	Blocked error

	// Conclusive is the moment from which looking is conclusive: who looks it up
	// after that, and Settle later once more, and finds nothing, may take it that
	// nothing happened. (The second time is for copies that were late, which the
	// first lookup shuts out.) Zero if nothing is known to have been sent.
	Conclusive time.Time
	Settle     time.Duration // Operation.Settle, or its default

	// Resendable is until when it may be sent again under the same ID, as the API keeps
	// its idempotency key: it happens once, whatever became of earlier sends. Zero if
	// there is no such key, or it is not known when it was first sent with it.
	Resendable time.Time

	// Trace is how the operation came here, a row of the protocol each, such as
	// "Sending Unproved → Doubt (M3)"; at most 16: the first 8 and the last 8.
	Trace []string
}

// Sent is one send of an operation.
type Sent struct {
	At    time.Time // when it began
	Nonce uint64    // that it carried; 0 if the operation draws its own
}

// An Answer is one of Verify's.
type Answer struct {
	Outcome Outcome
	Err     error
	At      time.Time
}

// most is how many sends and trace ids a Doubt holds.
const most = 16

func (d *Doubt) sent(s Sent, here bool) {
	if len(d.Sends) == most {
		d.Sends = slices.Delete(d.Sends, most/2, most/2+1)
	}
	d.Sends = append(d.Sends, s)
	d.SentHere = d.SentHere || here
}

func (d *Doubt) traced(id string) {
	if id = text.Line(id); id != "" && len(d.TraceIDs) < most && !slices.Contains(d.TraceIDs, id) {
		d.TraceIDs = append(d.TraceIDs, id)
	}
}

// age is that of the send that the doubt is about.
func (d *Doubt) age() time.Duration {
	if len(d.Sends) == 0 {
		return 0
	}
	return protocol.Decide.Age(d.Sends[len(d.Sends)-1].At, time.Now())
}

// String tells it in one line, and what to do.
func (d *Doubt) String() string {
	if d == nil {
		return "no doubt"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "operation %q", d.ID)
	if d.Key != "" {
		fmt.Fprintf(&b, " on key %q", d.Key)
	}
	b.WriteString(d.sends())
	b.WriteString(d.lookups())
	b.WriteString(d.resendable())
	if d.Blocked != nil {
		b.WriteString("; then: " + redact.Text(d.Blocked))
	}
	if len(d.TraceIDs) > 0 {
		b.WriteString("; traces " + strings.Join(d.TraceIDs, ", "))
	}
	b.WriteString("; action: " + d.advice())
	return b.String()
}

func (d *Doubt) sends() string {
	if len(d.Sends) == 0 {
		return " (this call sent nothing)"
	}
	var b strings.Builder
	b.WriteString(" sent")
	for i, s := range d.Sends {
		if i > 0 {
			b.WriteString(" and")
		}
		b.WriteString(" at " + stamp(s.At))
		if s.Nonce != 0 {
			fmt.Fprintf(&b, " (nonce %d)", s.Nonce)
		}
	}
	if !d.SentHere {
		b.WriteString(" by an earlier call")
	}
	return b.String()
}

func (d *Doubt) lookups() string {
	if d.Lookups == 0 {
		return "; never looked up"
	}
	s := fmt.Sprintf("; looked up %d times, the last time %v at %s", d.Lookups, d.Answer.Outcome, stamp(d.Answer.At))
	if d.Lookups == 1 {
		s = fmt.Sprintf("; looked up once, %v at %s", d.Answer.Outcome, stamp(d.Answer.At))
	}
	if d.Answer.Err != nil && !errtree.Holds(d.Blocked, d.Answer.Err) {
		s += " (" + redact.Text(d.Answer.Err) + ")"
	}
	return s
}

// resendable tells of a key of idempotency for how long it is of use.
func (d *Doubt) resendable() string {
	switch {
	case d.Resendable.IsZero():
		return ""
	case time.Now().Before(d.Resendable):
		return "; under the same ID it may be sent again until " + stamp(d.Resendable) + ", as the API keeps its idempotency key"
	}
	return "; the time of its idempotency key is over since " + stamp(d.Resendable) + ": to send it again would be to do it again"
}

// advice is what a person should do.
func (d *Doubt) advice() string {
	if d.Conclusive.IsZero() {
		return "look the ID up before anything else; never send it under another ID"
	}
	return fmt.Sprintf("look the ID up after %s, and if it is not there again %v later: what is not there then either did not happen; never send it under another ID before",
		stamp(d.Conclusive), d.Settle)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Format prints the text of String whatever the verb: %+v would print what the
// errors in it hold.
func (d Doubt) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(d.String())) }

// MarshalText returns the text of String, so that encoders do not reach into the errors.
func (d Doubt) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// LogValue returns the parts worth a field of their own.
func (d Doubt) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", d.ID), slog.String("key", d.Key), slog.Bool("sent_here", d.SentHere),
		slog.Int("lookups", d.Lookups), slog.Int("absent", d.Absent),
		slog.Time("conclusive", d.Conclusive), slog.String("doubt", d.String()),
	)
}

// Format writes the text of String whatever the verb: the error may hold request data.
func (a Answer) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(a.String())) }

// String tells the outcome, and of the error what cannot hold request data.
func (a Answer) String() string {
	if a.Err == nil {
		return a.Outcome.String()
	}
	return a.Outcome.String() + ": " + text.Line(redact.Text(a.Err))
}

// MarshalText returns the text of String, so that encoders do not reach into the error.
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue is String.
func (a Answer) LogValue() slog.Value { return slog.StringValue(a.String()) }

// others are what an unknown outcome must not be taken for.
var others = []error{
	context.Canceled, context.DeadlineExceeded, ErrFatal, ErrFixAndResend, ErrUnclassified, ErrAttempts, ErrElapsed, ErrDeadline,
	ErrCanceled, ErrBudget, ErrOpen, ErrLockedOut, ErrRetryAfter, ErrResync, ErrNonce, ErrApplied, ErrBusy, ErrNested, ErrDoubt,
}

// unwrapDoubt is Unwrap where the outcome is unknown.
func (e *Error) unwrapDoubt() []error {
	errs := []error{e.Reason}
	if e.Last == nil || isCall(e.Last) {
		return errs
	}
	for _, other := range others {
		if errors.Is(e.Last, other) {
			return errs
		}
	}
	return append(errs, e.Last)
}

// anotherPayments reports whether err says what became of another operation.
func anotherPayments(err error) bool {
	return isCall(err) || errors.Is(err, ErrApplied) || errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, ErrBusy)
}

// isCall reports whether err is that of another call, with a reason of its own.
func isCall(err error) bool {
	return callIn(err) != nil
}
