package retry

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/internal/redact"
)

// An Error tells the whole truth about a call that ended without success: why
// no more was tried, what the API said last, and what came from outside.
// errors.Is and errors.As look into Reason, Last and Cause alike.
//
// Its text, in every format, holds no request data: of Last and Cause it prints
// what cannot carry any (answers of the API, errors of the network), and of the
// rest the type. An error type of yours whose text is fit to be logged says so by a method
// SafeError() string, which is then printed. The fields themselves hold the
// errors as they are; printing those is the caller's own decision.
type Error struct {
	// Reason is one of the sentinels of this package.
	Reason error
	// Name is what [Named] said, empty if nothing. Under retryhttp it is that of
	// Transport.Name, or "POST api.example.com".
	Name string
	// Verdict is that on Last, the zero Verdict if nothing was sent. It speaks
	// of that attempt only.
	Verdict classify.Verdict
	// Effect speaks of all attempts: NotApplied if each of them is known to have
	// changed nothing, or nothing was sent; Unknown if any may have. Of a [DoOnce] it
	// speaks of the operation, whoever sent it: NotApplied if it did not happen.
	Effect   classify.Effect
	fromCtx  bool // Cause is, or wraps, what ended the context
	unlocked bool // Verdict.Lockout came too late to lock the key
	unsafe   bool // to be made again: Resend says so, and something was sent
	// Advice is what the rule behind Verdict tells a person to do, empty where
	// that is nothing or the call ended for another reason. Of a request under
	// retryhttp that may have taken effect, it is what would let it be sent again.
	Advice string
	// TraceID is what the API's support asks for: that of the last answer in
	// History that carried one, or else of the answer which locked the key out.
	TraceID string
	// Attempts counts the sends.
	Attempts int
	// Elapsed is how long the call took, waits and all.
	Elapsed time.Duration
	// History holds the attempts in order: all of up to eight, of more the
	// first four and the last four.
	History []Attempt
	// Last is the operation's last error, nil if it was never run.
	Last error
	// Cause is what came from outside: the context's cause, a
	// *breaker.OpenError or *breaker.LockedError, the error of a Fix or of the
	// nonce source. Nil if nothing did.
	Cause error
	// ID is that of a [DoOnce] operation, empty otherwise.
	ID string
	// Doubt, with ErrOutcomeUnknown, tells all that a person needs to find out
	// what became of the operation; otherwise it is nil.
	Doubt *Doubt

	reportedTo *breaker.Breaker // that knows of the attempts already
	words      *words           // nil: none
}

// Unwrap returns Reason, Last and Cause, those of them that are there. A Cause
// that is the failure of another call, as errgroup makes it, is left out: its
// reason and its answer are not those of this call. Is finds it all the same.
// With ErrOutcomeUnknown a Last is left out that would match another sentinel,
// or one of package context: who lets a canceled call pass must not let an
// unknown payment pass with it.
func (e *Error) Unwrap() []error {
	if e == nil {
		return nil
	}
	if e.Doubt != nil {
		return e.unwrapDoubt()
	}
	errs := make([]error, 0, 3)
	if e.Reason != nil {
		errs = append(errs, e.Reason)
	}
	if e.Last != nil && !(e.ID != "" && anotherPayments(e.Last)) {
		errs = append(errs, e.Last)
	}
	if e.Cause != nil && !(e.fromCtx && anotherCalls(e.Cause)) {
		errs = append(errs, e.Cause)
	}
	return errs
}

// Is reports whether target is the Cause itself.
func (e *Error) Is(target error) bool {
	return e != nil && target != nil && e.Cause != nil && errtree.Same(target, e.Cause)
}

// RetryIn is how long after its end the call is of no use again: what the breaker is
// open for, where this call has opened it or found it so, or what the server asked for,
// whichever is longer. Zero: nobody asked for a wait; the policy's backoff is left.
func (e *Error) RetryIn() time.Duration {
	if e == nil {
		return 0
	}
	wait := time.Duration(0)
	if e.Verdict.Class != classify.Fatal { // which no wait helps against
		wait = e.Verdict.RetryAfter
	}
	if open, ok := errors.AsType[*breaker.OpenError](e.Cause); ok && e.Reason == ErrOpen {
		wait = max(wait, open.RetryIn)
	}
	if e.words != nil {
		wait = max(wait, e.words.openFor)
	}
	return wait
}

// Repeatable reports whether to make the whole call again cannot do twice what it does,
// as far as is known here: what runs the call again by a rule of its own, such as a job
// queue, has to ask first. It is false where a call with [Resend] or [ResendWithin] has
// sent something that may have taken effect, and with ErrOutcomeUnknown and ErrBusy,
// which only a [DoOnce] with a Journal can take up again.
func (e *Error) Repeatable() bool {
	return e == nil || !e.unsafe && e.Reason != ErrOutcomeUnknown && e.Reason != ErrBusy
}

// Timeout reports whether the call ended because time ran out: the deadline of its
// context, or what its last send failed with, such as an attempt timeout. So
// os.IsTimeout and url.Error.Timeout say of a call what they say of one request. It
// is false where the caller canceled, and wherever a [DoOnce] does not say that
// nothing happened: what goes by it to send again must not send that.
//
// There is no method Temporary: package net calls that deprecated, and what is worth
// another try has had it.
func (e *Error) Timeout() bool {
	if e == nil {
		return false
	}
	switch e.Reason {
	case ErrDeadline:
		return true
	case ErrCanceled, ErrOutcomeUnknown, ErrApplied, ErrBusy, ErrNested:
		return false
	}
	late, ok := errtree.As[interface{ Timeout() bool }](e.Last)
	_, none := errtree.NilPointer(e.Last) // which a *url.Error would ask
	return ok && !none && late.Timeout()
}

// took is how long the last send did.
func (e *Error) took() time.Duration {
	if n := len(e.History); n > 0 {
		return e.History[n-1].Took
	}
	return 0
}

// lockedBy is what locked the key, in an error that ends a call for that.
func (e *Error) lockedBy() *breaker.LockedError {
	if e.Reason != ErrLockedOut {
		return nil
	}
	locked, _ := errors.AsType[*breaker.LockedError](e.Cause)
	return locked
}

// blame notes what ended the context, as the Cause if there is no other.
func (e *Error) blame(cause error) {
	if e.Cause == nil {
		e.Cause, e.fromCtx = cause, true
		return
	}
	e.fromCtx = errtree.Holds(e.Cause, cause)
}

func anotherCalls(cause error) bool {
	return callIn(cause) != nil || answerIn(cause) != nil
}

// Error tells it in one line.
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	return e.text()
}

// SafeError says that this text is fit to be logged.
func (e *Error) SafeError() string { return e.Error() }

func (e Error) text() string {
	var b strings.Builder
	b.WriteString("retry: ")
	if e.Name != "" {
		b.WriteString(e.Name + ": ")
	}
	var own words
	if e.words != nil {
		own = *e.words
	}
	// A cause that is the reason says the same, and more.
	told := e.Reason != nil && errors.Is(e.Cause, e.Reason)
	switch {
	case told:
		b.WriteString(redact.Text(e.Cause))
	case own.instead != "":
		b.WriteString(own.instead)
	case own.bound.most > 0:
		b.WriteString(own.bound.text())
	case own.budget.of != nil:
		b.WriteString(own.budget.text())
	case e.Reason != nil:
		b.WriteString(e.Reason.Error())
	default:
		b.WriteString("no reason given")
	}
	if e.Last != nil {
		b.WriteString(": " + e.last(own.said))
	}
	if e.Verdict.RetryAfter > 0 && e.Verdict.Class != classify.Fatal { // which no wait helps against
		fmt.Fprintf(&b, "; it asks to come back after %v", e.Verdict.RetryAfter)
	}
	if own.openFor > 0 {
		fmt.Fprintf(&b, "; the circuit breaker is open now, for %v", round(own.openFor))
	}
	switch {
	case e.unlocked:
		b.WriteString("; sent before the key was unlocked; it is not locked out")
	case e.Verdict.Lockout:
		b.WriteString("; the key is locked out for all calls")
	}
	if e.Advice != "" && e.Doubt == nil { // a doubt has its own
		b.WriteString("; action: " + strings.TrimSuffix(e.Advice, "."))
	}
	if e.Doubt != nil {
		b.WriteString("; " + e.Doubt.String())
	}
	if e.Cause != nil && !told {
		b.WriteString("; " + redact.Text(e.Cause))
	}
	b.WriteString(e.sends())
	return b.String()
}

// last is the operation's last error, in text if there is one, with the code that decided, its rule and
// the trace id where its text has them not.
func (e *Error) last(text string) string {
	if text == "" {
		text = redact.Text(e.Last)
	}
	if e.Verdict.Code != "" {
		text += e.decision(text)
	}
	if e.TraceID == "" || strings.Contains(text, e.TraceID) {
		return text
	}
	if n := len(e.History); n > 0 && e.History[n-1].TraceID != e.TraceID {
		return text + " (an earlier answer had trace " + e.TraceID + ")"
	}
	return text + " (trace " + e.TraceID + ")"
}

// decision names the code that decided, or what it means, where text does not.
func (e *Error) decision(text string) string {
	code := e.Verdict.Code.Text()
	answer := deciding(e.Last, &e.Verdict)
	switch {
	case !strings.Contains(text, code), answer != nil && !shows(answer, e.Verdict.Code):
		return ", decided by " + strings.TrimSuffix(code+" "+e.Verdict.Rule, " ")
	case !strings.Contains(text, e.Verdict.Rule):
		return ", " + e.Verdict.Rule
	}
	return ""
}

// sends tells how often, how long, and what is known to have happened.
func (e *Error) sends() string {
	switch e.Attempts {
	case 0:
		return " (nothing sent)"
	case 1:
		return fmt.Sprintf(" (1 send in %v, effect %v)", round(e.Elapsed), e.Effect)
	}
	return fmt.Sprintf(" (%d sends in %v, effect %v)", e.Attempts, round(e.Elapsed), e.Effect)
}

// round cuts a duration to what a person reads.
func round(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

// Format prints the text of Error whatever the verb: %+v and %#v would print
// what Last holds.
func (e Error) Format(s fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(s, "%q", e.text())
		return
	}
	_, _ = s.Write([]byte(e.text()))
}

// MarshalText returns the text of Error, so that encoders do not reach into Last.
func (e Error) MarshalText() ([]byte, error) { return []byte(e.text()), nil }

// LogValue returns the parts worth a field of their own.
func (e Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("error", e.text())}
	if e.Name != "" {
		attrs = append(attrs, slog.String("name", e.Name))
	}
	attrs = append(attrs, slog.Int("attempts", e.Attempts), slog.Duration("elapsed", e.Elapsed))
	return slog.GroupValue(append(attrs, verdictAttrs(e.Attempts > 0, e.Verdict, e.Effect, e.TraceID)...)...)
}
