// Package retry runs calls to an API that may fail. It looks up what the error code of a
// failure asks for, and does that: it waits and sends again, takes a newer nonce and sends
// again, lets the caller fix the request, stops, or locks out an API key.
//
// [Do] and [DoValue] are for calls that are safe to repeat: queries, and calls that the API
// itself makes safe to repeat. They are not for moving money: after a timeout nobody knows
// whether a payment happened, and these functions would send it again. [DoOnce] is for
// calls that move money. It looks up what may have happened before it sends again.
//
//	r, err := retry.New(retry.Config{})
//	…
//	balance, err := retry.DoValue(ctx, r, client.Balance)
//
// In this package a resend is a retry: any send after the first. An attempt is one send,
// the first included.
//
// # One call
//
// An attempt that cannot succeed does not start: an ended context, a locked key
// ([ErrLockedOut]) or an open breaker ([ErrOpen]) ends the call at once. Otherwise the
// attempt takes a turn on the API key and a nonce, if [Config] has a source of them, and
// runs the operation. The Classifier classifies the error. The class decides what follows:
//
//   - Retryable: wait and send again, as the policy of the code says. The wait is the
//     longer of backoff and Retry-After. A wait that would not end before the deadline, or
//     that would end while the breaker is open, does not begin: the call ends instead.
//   - Resync: take a newer nonce and send again at once, at most twice.
//   - FixAndResend: call [Fix], if there is one, and send again at once.
//   - Fatal, Unclassified: end the call.
//
// A failed call returns an [*Error], which holds the reason, the operation's last error,
// and the cause from outside. If the operation returns the *Error of another call, this
// call ends too: failures do not multiply. A panic or runtime.Goexit in an operation
// releases the turn and the breaker's lease, and continues.
//
// # Calls inside calls
//
// Inside an attempt, a call of the same Retrier runs its function once, with the next nonce
// of the turn, and returns its error unchanged. The outer call classifies that error. The
// nested call accepts neither [Fix] nor [Fallback] nor [Resend].
//
// Any other call inside a payment's Send or Verify, or inside a turn of the same nonce
// source, returns [ErrNested] and sends nothing. So does a DoOnce inside any attempt. Use
// [Apart] for a call about something else, such as a token or an exchange rate.
//
// All other nested calls are independent calls. So is a call inside a first attempt that
// has neither a turn nor an attempt timeout, because such an attempt leaves no trace in its
// context.
//
// # Where to read on
//
// The rules M1 to M10, N, L, B and S that comments cite are in docs/design.md. In the
// source, a call takes this path:
//
//	do.go       Do, DoValue: the loop           once.go     DoOnce, Operation
//	call.go     the state of one call           payment.go  the driver, by phases
//	enter.go    may an attempt begin? a turn    payment_attempt.go  before and after a send
//	turn.go     lease, send, verdict            record.go   the journal, before a send
//	send.go     the context of an attempt       replay.go   sending again in doubt
//	judge.go    what the verdict means          verify.go   lookups until the outcome is known
//	limits.go   is there another attempt?       lookup.go   one lookup
//	nested.go   a call inside an attempt        close.go    the journal, at the end
//	                                            doubts.go   what is remembered without a journal
package retry
