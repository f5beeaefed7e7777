// Package retry runs calls to an API that may fail, and does for every error
// what its code asks for: waits and sends again, resyncs the nonce and sends
// again, lets the caller fix the request, stops, or locks out a key.
//
// [Do] and [DoValue] are for calls that may safely be repeated: queries, and
// whatever the API itself makes safe to repeat. They are not for moving money:
// after a timeout nobody knows whether a payment happened, and these functions
// would send it again. [DoOnce] is for calls that move money: what may have
// happened is looked up before it is sent again.
//
//	r, err := retry.New(retry.Config{})
//	…
//	balance, err := retry.DoValue(ctx, r, client.Balance)
//
// # One call
//
// An attempt that cannot succeed does not start: an ended context, a locked key
// ([ErrLockedOut]) and an open breaker ([ErrOpen]) end the call at once. Otherwise
// the attempt takes a turn on the key and a nonce, where [Config] has a source of
// them, and runs the operation. The Classifier judges its error. By its class:
//
//   - Retryable: wait and send again, as the code's policy says: for as long as
//     the backoff or Retry-After asks, whichever is longer. A wait that cannot end
//     before the deadline, or would end at an open breaker, is not begun.
//   - Resync: take a newer nonce and send again at once, at most twice.
//   - FixAndResend: ask [Fix], if there is one, and send again at once.
//   - Fatal, Unclassified: end.
//
// Whatever ends a call, the one [*Error] that it returns has the reason, the
// operation's last error, and what came from outside. An operation that returns the
// *Error of another call ends the call as well: failures do not multiply. A panic
// or runtime.Goexit in an operation gives turn and breaker back and goes its way.
//
// # Calls inside calls
//
// Inside an attempt, a call of the same Retrier runs its function once, with the
// next nonce of the turn, and returns its error as it is, for the outer call to
// judge. It takes neither [Fix] nor [Fallback] nor [Resend]. Anything else inside a
// payment's Send or Verify, or inside a turn of the same nonce source, is
// [ErrNested], and so is a DoOnce inside any attempt: nothing is sent. [Apart] marks
// a call that is about something else, a token or an exchange rate. Any other call
// is a call of its own. So is one in a first attempt that has neither turn nor
// attempt timeout: that leaves no trace by which to know.
//
// # Where to read on
//
// docs/design.md has the rules M1 to M10, N, L, B and S that comments cite. In the
// source a call goes this way:
//
//	do.go       Do, DoValue: the loop           once.go     DoOnce, Operation
//	call.go     the state of one call           payment.go  the driver, by phases
//	enter.go    may an attempt begin? a turn    payment_attempt.go  before and after a send
//	turn.go     lease, send, verdict            record.go   the journal, before a send
//	send.go     the context of an attempt       replay.go   sent again in doubt
//	judge.go    what the verdict means          verify.go   looking, until it is known
//	limits.go   is there another attempt?       lookup.go   one lookup
//	nested.go   a call inside an attempt        close.go    the journal, at the end
package retry
