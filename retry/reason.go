package retry

import (
	"context"

	"github.com/nexpay-go/resilience/breaker"
)

// Reasons why a call ended without success. The Reason of an [*Error] is exactly one of
// them, and errors.Is matches it.
var (
	// ErrFatal: the API says that a retry is of no use.
	ErrFatal error = &reason{text: "fatal, not retryable"}
	// ErrFixAndResend: the request is wrong, and there is no [Fix], or the Fix changed
	// nothing, or the Fix has run for this code already.
	ErrFixAndResend error = &reason{text: "the request has to be changed"}
	// ErrUnclassified: there is no rule for the error, so the call is not retried.
	ErrUnclassified error = &reason{text: "no rule for this error, not retryable"}
	// ErrAttempts: the policy's MaxAttempts was reached (it may be 1).
	ErrAttempts error = &reason{text: "attempts used up"}
	// ErrElapsed: the next send would begin after the policy's MaxElapsed.
	ErrElapsed error = &reason{text: "time for the call used up"}
	// ErrDeadline: the context's deadline has passed, or would pass before the end of the
	// next wait. It matches context.DeadlineExceeded.
	ErrDeadline error = &reason{"the deadline leaves no time for another attempt", context.DeadlineExceeded}
	// ErrCanceled: the caller canceled the context. It matches context.Canceled.
	ErrCanceled error = &reason{"canceled by the caller", context.Canceled}
	// ErrBudget: the retry budget has too few tokens for a resend.
	ErrBudget error = &reason{text: "retry budget used up"}
	// ErrOpen: the circuit breaker is open. The Cause is a *breaker.OpenError, which says
	// how long.
	ErrOpen = breaker.ErrOpen
	// ErrLockedOut: the key is locked out until a person acts. The Cause is a
	// *breaker.LockedError, which says why, or wraps those of several keys.
	ErrLockedOut = breaker.ErrLockedOut
	// ErrRetryAfter: the server asks for a longer wait than the policy's MaxRetryAfter.
	// Verdict.RetryAfter is the wait that it asked for.
	ErrRetryAfter error = &reason{text: "the server asks for a longer wait than allowed"}
	// ErrResync: the API refuses the nonce, and a newer one is refused too or not
	// available. Probably something else uses the same key: a key must belong to one
	// process.
	ErrResync error = &reason{text: "the nonce cannot be brought forward, does somebody else use this key?"}
	// ErrNonce: the nonce source returned no ticket. The attempt sent nothing.
	ErrNonce error = &reason{text: "no nonce available"}
	// ErrOutcomeUnknown, of [DoOnce] only: the operation may have happened, and it could
	// not be found out. Error.Doubt has the details. It matches no other sentinel of this
	// package or of package context.
	ErrOutcomeUnknown error = &reason{text: "it may have happened: the outcome is unknown"}
	// ErrApplied, of [DoOnce] only: the operation happened, but its value is lost.
	ErrApplied error = &reason{text: "it happened, but its value is lost"}
	// ErrBusy, of [DoOnce] only: another call works on the same operation, in this process
	// or another. This call sent nothing that took effect. The other call reports the
	// outcome.
	ErrBusy error = &reason{text: "operation already in progress"}
	// ErrNested: the call was made inside an attempt of another call, where it is not
	// allowed, see [Apart]. The Cause says why. The refused call sent nothing.
	ErrNested error = &reason{text: "not allowed inside an attempt of another call"}
)

// reason is a sentinel that is also another error.
type reason struct {
	text string
	is   error
}

func (r *reason) Error() string { return r.text }
func (r *reason) Unwrap() error { return r.is }

// SafeError returns the text, which is safe to log.
func (r *reason) SafeError() string { return r.text }
