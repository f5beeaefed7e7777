// Package riverretry runs calls of package retry in jobs of River, a call or a payment as
// one attempt of the job, and tells River what to do next.
//
//	func (w *PayWorker) Work(ctx context.Context, job *river.Job[PayArgs]) error {
//		return riverretry.DoOnce(ctx, w.retrier, w.payment(job.Args), w.book)
//	}
//
// # What River does next
//
//	the call ended with                               River
//	ErrFatal, ErrFixAndResend, ErrUnclassified,       cancels the job
//	ErrLockedOut, ErrDoubt, ErrNested
//	ErrApplied                                        the job is done
//	ErrOutcomeUnknown, with a Journal                 snoozes until looking is conclusive; if it was already: an error
//	ErrBusy, with a Journal                           snoozes for Settle
//	ErrOpen, ErrRetryAfter, any with a Retry-After    snoozes as asked; 30 s at a breaker without an end
//	ErrAttempts, ErrElapsed, ErrBudget, ErrDeadline,  an error: River's own wait
//	ErrResync, ErrNonce
//	ErrCanceled                                       the context's error
//
// ErrOutcomeUnknown and ErrBusy without a Journal cancel the job, and so does what must
// not be sent again by retry.Resend and may have taken effect, whatever it ended for. A
// job that was canceled is not lost: Client.JobRetry runs it again, when a person
// has had the key unlocked, say.
//
// A snooze is no attempt, so that MaxAttempts does not end it, and River stores no text
// of it: log by Config.OnEvent. One is a second at least.
//
// # How many sends that makes
//
// An attempt of the job is a call with all its sends: MaxAttempts of the job (25 by
// default) times those of the policy, 4 by default, and one or more for each snooze. For
// less, set MaxAttempts in river.InsertOpts. What keeps many jobs off an API that is down
// is the breaker: they then snooze and send nothing.
//
// # Time
//
// A job has a minute by default. That of a payment in doubt needs more than twice Settle
// and the time of a send: have the worker's Timeout return 3 minutes, say. One that is
// cut off goes on in the next attempt; it only takes longer.
package riverretry
