package retry

import (
	"context"
	"errors"

	"github.com/nexpay-go/resilience/breaker"
)

// The reasons why a call ended without success. Exactly one is the Reason of an
// [*Error]; errors.Is finds it.
var (
	// ErrFatal: the API said that no repetition will help.
	ErrFatal = errors.New("fatal, not retryable")
	// ErrFixAndResend: the request itself is wrong, and no [Fix] was given, or
	// it changed nothing, or has had its one try at this code.
	ErrFixAndResend = errors.New("the request has to be changed")
	// ErrUnclassified: nobody knows what the error asks for, so nothing was repeated.
	ErrUnclassified = errors.New("no rule knows this error, not sent again")
	// ErrAttempts: the policy's MaxAttempts was reached (it may be 1).
	ErrAttempts = errors.New("attempts used up")
	// ErrElapsed: the next send would begin after the policy's MaxElapsed.
	ErrElapsed = errors.New("time for the call used up")
	// ErrDeadline: the context's deadline has passed, or the next wait would
	// outlive it. It is a context.DeadlineExceeded.
	ErrDeadline error = &reason{"the deadline leaves no time for another attempt", context.DeadlineExceeded}
	// ErrCanceled: the caller canceled the context. It is a context.Canceled.
	ErrCanceled error = &reason{"canceled by the caller", context.Canceled}
	// ErrBudget: the retry budget has no tokens left for a resend.
	ErrBudget = errors.New("retry budget used up")
	// ErrOpen: the circuit breaker is open. The Cause is a *breaker.OpenError
	// that tells when to come back.
	ErrOpen = breaker.ErrOpen
	// ErrLockedOut: the key is locked out until a person acts. The Cause is
	// a *breaker.LockedError that tells what locked it, or wraps those of several keys.
	ErrLockedOut = breaker.ErrLockedOut
	// ErrRetryAfter: the server asks for a longer wait than the policy's
	// MaxRetryAfter. Verdict.RetryAfter is what it asked for.
	ErrRetryAfter = errors.New("the server asks for a longer wait than allowed")
	// ErrResync: the API refuses the nonce and it cannot be brought forward.
	// Somebody else probably uses the same key: a key belongs to one process.
	ErrResync = errors.New("the nonce cannot be brought forward, does somebody else use this key?")
	// ErrNonce: the nonce source gave no ticket. Nothing was sent by this attempt.
	ErrNonce = errors.New("no nonce available")
	// ErrOutcomeUnknown, of [DoOnce] only: the operation may have happened, and
	// nobody could find out. Doubt tells all that is known. It matches no other
	// sentinel, of this package or of package context.
	ErrOutcomeUnknown = errors.New("it may have happened: the outcome is unknown")
	// ErrApplied, of [DoOnce] only: the operation happened, but its value is not
	// to be had any more.
	ErrApplied = errors.New("it happened, but its value is lost")
	// ErrBusy, of [DoOnce] only: another call, of this process or another, is at
	// the same operation. This call sent nothing that took effect; what becomes
	// of the operation the other one knows.
	ErrBusy = errors.New("operation already in progress")
	// ErrNested: a call was made inside an attempt of another one where it cannot
	// be, see [Apart]; the Cause says why. The call that was refused sent nothing.
	ErrNested = errors.New("a call inside an attempt of another call")
)

// reason is a sentinel that is also another error.
type reason struct {
	text string
	is   error
}

func (r *reason) Error() string { return r.text }
func (r *reason) Unwrap() error { return r.is }

// SafeError says that this text is fit to be logged.
func (r *reason) SafeError() string { return r.text }
