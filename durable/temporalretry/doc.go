// Package temporalretry runs calls of package retry in activities of Temporal, a call or
// a payment as one attempt of the activity, and tells the server what to do next.
//
//	func (a *Activities) Pay(ctx context.Context, invoice Invoice) (nexpay.PaymentStatus, error) {
//		return temporalretry.DoOnce(ctx, a.retrier, a.payment(invoice))
//	}
//
// # What the server does next
//
// The error of an activity is a *temporal.ApplicationError, whose Details are [Details],
// and whose type is a word for its reason:
//
//	the call ended with             type             the server
//	ErrFatal, ErrFixAndResend,      fatal/100        does not try again
//	ErrUnclassified, ErrLockedOut
//	ErrApplied                      applied          does not try again: it happened, the workflow books it
//	ErrOutcomeUnknown, with a       outcome-unknown  tries again when looking is conclusive, later each Settle
//	Journal
//	ErrBusy, with a Journal         busy             tries again after Settle
//	ErrOpen, ErrRetryAfter          open, …          tries again as asked; every 30 s at a breaker without an end
//	ErrAttempts, ErrElapsed,        attempts, …      tries again after the code's own backoff, or as asked
//	ErrBudget, ErrDeadline,
//	ErrResync, ErrNonce
//	ErrCanceled                     –                the context's error: the activity was canceled
//	ErrDoubt, ErrNested             doubt, nested    does not try again
//
// The type of the first row has the code that decided, "fatal/HTTP-404" where there was
// only a status, and "fatal" without either. ErrOutcomeUnknown and ErrBusy without a
// Journal are not tried again, and neither is what must not be sent again by retry.Resend
// and may have taken effect (doubt), whatever it ended for.
//
// # How many sends that makes
//
// An attempt of the activity is a call with all its sends: the attempts of the activity
// times those of the policy, 4 by default. The wait between two attempts goes on where
// the call left off, as if all sends were those of one call. To send once per attempt,
// and leave all waiting to the server, give the retrier policies with MaxAttempts 1 for
// all that is retryable. Resends by the server take nothing from the budget: what keeps
// a fleet of workers off an API that is down is the breaker.
//
// NextRetryDelay takes the place of InitialInterval, BackoffCoefficient and
// MaximumInterval; servers before 1.24.2 take no notice of it. MaximumAttempts and
// ScheduleToCloseTimeout hold. For a payment set no MaximumAttempts, but a
// ScheduleToCloseTimeout as long as somebody waits for it; a StartToCloseTimeout of more
// than twice Settle and the time of a send, 3 minutes say; a HeartbeatTimeout, so that a
// worker that died is found out early; and WaitForCancellation, so that a workflow that
// is canceled hears whether the payment happened.
//
// # Time
//
// While a call runs it beats, three times in the activity's HeartbeatTimeout, if that
// has one: so a call that waits is alive, and learns that it is canceled. Beats have no
// details, and so take the place of those that the activity recorded. The context of the
// call ends a tenth of the time before the activity's, 5 s at most, as the server
// hears nothing of an activity that is late.
//
// Outside of an activity all functions work as in a first attempt. None may be called
// in a workflow.
package temporalretry
