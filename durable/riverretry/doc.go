// Package riverretry runs calls of package retry in jobs of River: each attempt of the job
// is one call or payment, and its error makes River do the right thing next.
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
//	ErrOutcomeUnknown, with a Journal                 snoozes until a lookup is conclusive; if it was already: an error
//	ErrBusy, with a Journal                           snoozes for Settle
//	ErrOpen, ErrRetryAfter, any with a Retry-After    snoozes for that time; 30 s at an isolated breaker
//	ErrAttempts, ErrElapsed, ErrBudget, ErrDeadline,  an error: River's own wait
//	ErrResync, ErrNonce
//	ErrCanceled                                       the context's error
//
// ErrOutcomeUnknown and ErrBusy without a Journal cancel the job. So does a call that may
// have taken effect and that its retry.Resend does not allow to be resent, for any reason.
// A canceled job is not lost: Client.JobRetry runs it again, for example after a person has
// had the key unlocked.
//
// A snooze does not count as an attempt, so MaxAttempts does not end a job that snoozes.
// River stores no text for a snooze: log it with Config.OnEvent. A snooze takes at least
// one second and at most a day, even if the API asks for longer.
//
// # Number of sends
//
// An attempt of the job is a call with all its sends: MaxAttempts of the job (25 by
// default) times those of the policy, 4 by default, and one or more for each snooze. For
// fewer, set MaxAttempts in river.InsertOpts. The breaker protects an API that is down from
// many jobs: they then snooze and send nothing.
//
// # Time
//
// A job has one minute by default. A payment in doubt needs more than twice Settle and the
// time of a send: let the worker's Timeout return 3 minutes, for example. A payment that is
// cut off continues in the next attempt; it only takes longer.
package riverretry
