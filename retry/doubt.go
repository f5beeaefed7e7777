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

// A Doubt describes an operation whose outcome is unknown: what was sent, what was looked
// up, and when a person can find out whether it happened. It holds no request data.
type Doubt struct {
	ID  string // of the operation
	Key string // name of the API key that it was sent with; empty if the key has no name

	Sends    []Sent   // that may have taken effect, in order; at most 16: the first 8 and the last 8
	SentHere bool     // whether this call sent it; false: an earlier call or another process did
	TraceIDs []string // of all answers that left it in doubt, for the API's support; at most 16

	Lookups int    // how often Verify was called
	Answer  Answer // the last result of Verify; the zero Answer if Verify was never called
	Absent  int    // how many results since the last send counted as Absent; two prove that it did not happen

	// Blocked is why the outcome could not be found out: a *breaker.OpenError or
	// *breaker.LockedError, ErrCanceled, ErrDeadline, a Fatal error of Verify, an error of
	// the journal, or the end of GiveUp.
	Blocked error

	// Conclusive is the time from which a lookup is conclusive. If the operation is not
	// found after that time, and not found again Settle later, it did not happen. (Two
	// lookups are needed because only the first one fences off late copies of the request.)
	// Zero if no send is known.
	Conclusive time.Time
	Settle     time.Duration // Operation.Settle, or its default

	// Resendable is the time until which the operation may be sent again under the same ID,
	// because the API keeps its idempotency key: it happens once, whatever became of
	// earlier sends. Zero if there is no such key, or if the time of the first send with it
	// is unknown.
	Resendable time.Time

	// Trace lists the steps of the protocol that the operation went through, such as
	// "Sending Unproved → Doubt (M3)". It has at most 16: the first 8 and the last 8.
	Trace []string
}

// A Sent is one send of an operation.
type Sent struct {
	At    time.Time // when the send began
	Nonce uint64    // of the request; 0 if the operation takes its own nonces
}

// An Answer is one result of Verify.
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

// age returns the time since the last send that may have taken effect.
func (d *Doubt) age() time.Duration {
	if len(d.Sends) == 0 {
		return 0
	}
	return protocol.Decide.Age(d.Sends[len(d.Sends)-1].At, time.Now())
}

// String returns all of it in one line, with the action to take.
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

// resendable says how long the idempotency key is valid.
func (d *Doubt) resendable() string {
	switch {
	case d.Resendable.IsZero():
		return ""
	case time.Now().Before(d.Resendable):
		return "; it may be sent again under the same ID until " + stamp(d.Resendable) + ", while the API keeps its idempotency key"
	}
	return "; its idempotency key expired at " + stamp(d.Resendable) + ": sending it again would do it twice"
}

// advice returns what a person should do.
func (d *Doubt) advice() string {
	if d.Conclusive.IsZero() {
		return "look the ID up first; never send it under another ID"
	}
	return fmt.Sprintf("look the ID up after %s, and if it is not found again %v later; not found both times means that it did not happen; until then never send it under another ID",
		stamp(d.Conclusive), d.Settle)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Format prints the text of String for every verb, because %+v would print the text of the
// errors inside.
func (d Doubt) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(d.String())) }

// MarshalText returns the text of String, so that encoders do not encode the errors inside.
func (d Doubt) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// LogValue returns the main fields as a group.
func (d Doubt) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", d.ID), slog.String("key", d.Key), slog.Bool("sent_here", d.SentHere),
		slog.Int("lookups", d.Lookups), slog.Int("absent", d.Absent),
		slog.Time("conclusive", d.Conclusive), slog.String("doubt", d.String()),
	)
}

// Format prints the text of String for every verb, because the error may hold request data.
func (a Answer) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(a.String())) }

// String returns the outcome, and the part of the error's text that cannot hold request
// data.
func (a Answer) String() string {
	if a.Err == nil {
		return a.Outcome.String()
	}
	return a.Outcome.String() + ": " + text.Line(redact.Text(a.Err))
}

// MarshalText returns the text of String, so that encoders do not encode the error.
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue returns the text of String.
func (a Answer) LogValue() slog.Value { return slog.StringValue(a.String()) }

// unwrapDoubt is Unwrap for an unknown outcome, which matches no other reason and no error
// of package context.
func (e *Error) unwrapDoubt() []error {
	errs := []error{e.Reason}
	if e.Last == nil || isCall(e.Last) || errors.Is(e.Last, context.Canceled) || errors.Is(e.Last, context.DeadlineExceeded) {
		return errs
	}
	for end, row := range endingRows {
		if ending(end) != endOutcomeUnknown && row.reason != nil && errors.Is(e.Last, row.reason) {
			return errs
		}
	}
	return append(errs, e.Last)
}

// anotherPayments reports whether err is about the outcome of another operation.
func anotherPayments(err error) bool {
	return isCall(err) || errors.Is(err, ErrApplied) || errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, ErrBusy)
}

// isCall reports whether err is or wraps the *Error of another call.
func isCall(err error) bool {
	return callIn(err) != nil
}
