package retry

import (
	"context"
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

// An Error describes a call that ended without success: why it ended, what the API answered
// last, and the cause from outside. errors.Is and errors.As match Reason, Last and Cause.
//
// Its text holds no request data in any format. Of Last and Cause it prints only what
// cannot hold any, which is the API's answer and errors of the network, and otherwise the
// type. If the text of your own error type is safe to log, give the type a method
// SafeError() string; that text is then printed. The fields hold the original errors;
// whether to print those is the caller's decision.
type Error struct {
	// Reason is one of the sentinels of this package.
	Reason error
	// Name is the name given by [Named], or empty. Under retryhttp it is the result of
	// Transport.Name, or "POST api.example.com".
	Name string
	// Verdict is the verdict on Last, the zero Verdict if nothing was sent. It is about
	// that attempt only.
	Verdict classify.Verdict
	// Effect covers all attempts. It is NotApplied if nothing was sent or each attempt is
	// known to have changed nothing, and Unknown otherwise. For a [DoOnce] it is about the
	// operation, whoever sent it: NotApplied if it did not happen.
	Effect   classify.Effect
	fromCtx  bool // Cause is, or wraps, the cause of the ended context
	unlocked bool // Verdict.Lockout came too late to lock the key
	unsafe   bool // Resend forbids to repeat the call, and something was sent
	// Advice is what a person should do, from the rule behind Verdict. It is empty if the
	// rule has none or the call ended for another reason. With ErrOutcomeUnknown it is empty,
	// and Doubt says what to do. For a request under retryhttp that may have taken effect, it
	// says how to make the request retryable.
	Advice string
	// TraceID is the trace id to give to the API's support: that of the last answer in
	// History that has one, or that of the answer that locked the key out.
	TraceID string
	// Attempts is the number of sends.
	Attempts int
	// Elapsed is the duration of the call, waits included.
	Elapsed time.Duration
	// History holds the attempts in order. If there were more than eight, it holds the
	// first four and the last four.
	History []Attempt
	// Last is the operation's last error, nil if the operation never ran.
	Last error
	// Cause is the error from outside the operation: the context's cause, a
	// *breaker.OpenError or *breaker.LockedError, or the error of a Fix or of the nonce
	// source. Nil if there is none.
	Cause error
	// ID is the ID of a [DoOnce] operation, empty for other calls.
	ID string
	// Doubt describes an operation whose outcome is unknown. It is nil unless Reason is
	// ErrOutcomeUnknown.
	Doubt *Doubt

	reportedTo *breaker.Breaker // breaker that has counted the attempts already
	words      *words           // nil: none
}

// Unwrap returns Reason, Last and Cause, without those that are nil.
//
// It leaves out a Cause that is the failure of another call, which errgroup makes the cause
// of a context: the reason and the answer of that call are not those of this one. Is
// matches it nevertheless.
//
// With ErrOutcomeUnknown it leaves out a Last that would match another sentinel of this
// package or of package context. Code that ignores canceled calls must not ignore a payment
// whose outcome is unknown.
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

// RetryIn returns how long to wait before the call is made again: for as long as the
// breaker is open, if it was open when the call ended, or as long as the server asked for,
// whichever is longer. Zero means that neither asks for a wait; the caller's own backoff
// decides.
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

// Repeatable reports whether the whole call may be made again without the risk of happening
// twice, as far as this call knows. A job queue, or anything else that repeats calls, must
// check it first. It is false if a call with [Resend] or [ResendWithin] sent something that
// may have taken effect. It is also false with ErrOutcomeUnknown and ErrBusy: only
// [DoOnce] can resume those, called later with the same ID.
func (e *Error) Repeatable() bool {
	return e == nil || !e.unsafe && e.Reason != ErrOutcomeUnknown && e.Reason != ErrBusy
}

// Timeout reports whether the call ended because time ran out: the deadline of its context
// passed, or its last send timed out, by an attempt timeout say. os.IsTimeout and
// url.Error.Timeout use it. It is false if the caller canceled. It is also false for a
// [DoOnce] that may have happened, because code that resends after a timeout must not
// resend that.
//
// There is no method Temporary: package net has deprecated it, and this package has already
// retried what is temporary.
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

// took returns how long the last send took.
func (e *Error) took() time.Duration {
	if n := len(e.History); n > 0 {
		return e.History[n-1].Took
	}
	return 0
}

// lockedBy returns what locked the key, if that is why the call ended.
func (e *Error) lockedBy() *breaker.LockedError {
	if e.Reason != ErrLockedOut {
		return nil
	}
	locked, _ := errors.AsType[*breaker.LockedError](e.Cause)
	return locked
}

// blame records what ended the context. It becomes the Cause if there is no other.
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

// Error returns the reason, the errors, the advice and the number of sends in one line.
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	return e.text()
}

// SafeError returns the text of Error. The method marks the text as safe to log.
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
		last, by := e.last(own.said), ": "
		if told { // the Cause may have ended with "retry in 2s"
			by = "; the last error: "
		}
		if !told || !strings.Contains(b.String(), last) { // the breaker has opened on it
			b.WriteString(by + last)
		}
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
	if e.Advice != "" {
		b.WriteString("; action: " + strings.TrimSuffix(e.Advice, "."))
	}
	if e.Doubt != nil {
		b.WriteString("; " + e.Doubt.String())
	}
	if e.Cause != nil && !told && !e.plain() {
		b.WriteString("; " + redact.Text(e.Cause))
	}
	b.WriteString(e.sends())
	return b.String()
}

// plain reports whether the Cause says no more than the Reason: that the context ended.
func (e *Error) plain() bool {
	return e.Reason == ErrDeadline && e.Cause == context.DeadlineExceeded || e.Reason == ErrCanceled && e.Cause == context.Canceled
}

// last returns the text of the operation's last error, or the given text if it is not
// empty. It appends the deciding code, its rule and the trace id if the text does not have
// them.
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
		return text + " (another answer had trace " + e.TraceID + ")"
	}
	return text + " (trace " + e.TraceID + ")"
}

// decision returns the code that decided, or its rule, if text does not contain it.
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

// sends returns the number of sends, the time they took, and the effect.
func (e *Error) sends() string {
	switch {
	case e.Attempts == 0 && e.ID != "" && e.Effect == classify.Unknown: // another call may have sent it
		return fmt.Sprintf(" (this call sent nothing, effect %v)", e.Effect)
	case e.Attempts == 0:
		return " (nothing sent)"
	case e.Attempts == 1:
		return fmt.Sprintf(" (1 send in %v, effect %v)", round(e.Elapsed), e.Effect)
	}
	return fmt.Sprintf(" (%d sends in %v, effect %v)", e.Attempts, round(e.Elapsed), e.Effect)
}

// round rounds a duration for people.
func round(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

// Format prints the text of Error for every verb, because %+v and %#v would print the text
// of Last.
func (e Error) Format(s fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(s, "%q", e.text())
		return
	}
	_, _ = s.Write([]byte(e.text()))
}

// MarshalText returns the text of Error, so that encoders do not encode Last.
func (e Error) MarshalText() ([]byte, error) { return []byte(e.text()), nil }

// LogValue returns the main fields as a group.
func (e Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("error", e.text())}
	if e.Name != "" {
		attrs = append(attrs, slog.String("name", e.Name))
	}
	attrs = append(attrs, slog.Int("attempts", e.Attempts), slog.Duration("elapsed", e.Elapsed))
	return slog.GroupValue(append(attrs, verdictAttrs(e.Attempts > 0, e.Verdict, e.Effect, e.TraceID)...)...)
}
