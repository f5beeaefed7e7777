// Package temporalretry runs calls of package retry in activities of Temporal: each attempt
// of the activity is one call or payment, and its error makes the server do the right thing
// next.
//
//	func (a *Activities) Pay(ctx context.Context, invoice Invoice) (nexpay.PaymentStatus, error) {
//		return temporalretry.DoOnce(ctx, a.retrier, a.payment(invoice))
//	}
//
// # What the server does next
//
// The error of an activity is a *temporal.ApplicationError. Its details are [Details], and
// its type is one word for the reason:
//
//	the call ended with             type             the server
//	ErrFatal, ErrFixAndResend,      fatal/100        does not try again
//	ErrUnclassified, ErrLockedOut
//	ErrApplied                      applied          does not try again: it happened, the workflow books it
//	ErrOutcomeUnknown, with a       outcome-unknown  tries again when a lookup is conclusive, then after each Settle
//	Journal
//	ErrBusy, with a Journal         busy             tries again after Settle
//	ErrOpen, ErrRetryAfter          open, …          tries again after that time; every 30 s at an isolated breaker
//	ErrAttempts, ErrElapsed,        attempts, …      tries again after the backoff of the code, or the time asked for
//	ErrBudget, ErrDeadline,
//	ErrResync, ErrNonce
//	ErrCanceled                     –                the context's error: the activity was canceled
//	ErrDoubt, ErrNested             doubt, nested    does not try again
//
// The type of the first row contains the code that decided, "fatal/HTTP-404" if there was
// only a status, and "fatal" without either. ErrOutcomeUnknown and ErrBusy without a
// Journal are not retried. Neither is a call that may have taken effect and that its
// retry.Resend does not allow to be resent (doubt), for any reason. No wait is longer than a
// day, even if the API asks for a longer one.
//
// # Number of sends
//
// An attempt of the activity is a call with all its sends: the attempts of the activity
// times those of the policy, 4 by default. The wait between two attempts continues the
// backoff of the call, as if all sends were those of one call. To send once per attempt,
// and leave all waiting to the server, give the Retrier policies with MaxAttempts 1 for
// all retryable errors. Attempts that the server repeats take nothing from the budget: the
// breaker is what protects an API that is down from a fleet of workers.
//
// NextRetryDelay replaces InitialInterval, BackoffCoefficient and MaximumInterval; servers
// before 1.24.2 ignore it. MaximumAttempts and ScheduleToCloseTimeout still apply. For a
// payment set
//
//   - no MaximumAttempts, but a ScheduleToCloseTimeout as long as somebody waits for it;
//   - a StartToCloseTimeout of more than twice Settle and the time of a send, for example
//     3 minutes;
//   - a HeartbeatTimeout, so that the death of a worker is detected early;
//   - WaitForCancellation, so that a canceled workflow learns whether the payment happened.
//
// # Time
//
// A running call records three heartbeats in each HeartbeatTimeout of the activity, if it
// has one: so a waiting call stays alive, and learns of its cancellation. These heartbeats
// have no details, and so replace the details that the activity recorded. The context of
// the call ends before the activity's, by a tenth of the time and at most 5 s, because the
// server receives nothing from an activity that is late.
//
// Outside of an activity all functions work as in a first attempt. None may be called
// in a workflow.
package temporalretry
