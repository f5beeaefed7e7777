// Package retry runs calls to an API that may fail, and does for every error
// what its code asks for: waits and sends again, resyncs the nonce and sends
// again, lets the caller fix the request, stops, or keeps everybody off a key
// that is locked.
//
// [Do] and [DoValue] are for calls that may safely be repeated: queries, and
// whatever the API itself makes safe to repeat. They are not for moving money:
// after a timeout nobody knows whether a payment happened, and these functions
// would send it again. [DoOnce] is for calls that move money: what may have
// happened is looked up before it is sent again.
//
//	r, err := retry.New(retry.Config{})
//	…
//	balance, err := retry.DoValue(ctx, r, func(ctx context.Context) (Balance, error) {
//		return client.Balance(ctx)
//	})
//
// # One call
//
// An attempt that cannot succeed does not start: an ended context, a key that
// is locked out ([ErrLockedOut]) and an open breaker ([ErrOpen]) end the call at
// once. Otherwise the attempt draws a nonce, where [Config] has a source of
// them, and runs the operation with it in the context. Its error is judged by
// the Classifier. By the class of the verdict:
//
//   - Retryable: wait and send again, as the code's policy says. The wait is
//     that of the backoff or what Retry-After asks for, whichever is longer. A
//     wait that cannot end before the deadline, or would end at an open breaker,
//     is not begun: the call ends at once. The turn on the key is given back
//     meanwhile.
//   - Resync: take a newer nonce and send again at once, at most twice.
//   - FixAndResend: ask [Fix], if there is one, and send again at once.
//     With this one and Resync too, a Retry-After is waited for first, or ends
//     the call if it asks for too long.
//   - Fatal, Unclassified: end.
//
// Whatever ends a call, the one [*Error] that it returns has the reason, the
// operation's last error, and what came from outside.
//
// "Effect not applied" after a failed dial is true as far as the operation sends
// once. An HTTP client that follows redirects may have been executed before it
// could not reach the next host: refuse them, see package classify.
//
// # Calls inside calls
//
// An operation may itself use Do. An inner call that gave up ends the outer
// one too, unrepeated, so that failures do not multiply; the outer call then
// returns, and tells its observer, nothing of its own. (Inner calls that succeed
// are made again if the outer operation fails after them.)
//
// Inside an attempt that holds a turn on a key, or is the probe of a breaker, an
// inner call on the same key or breaker would wait for itself. It is a part of
// that attempt instead: it sends once, with a newer nonce of that turn, and
// returns the operation's own error for the outer call to judge. The nonce that
// the outer operation found in its context is too low from then on: what it sends
// itself, it sends before, or with a ticket that Ticket.Resync gives it.
//
// Inside the Send or Verify of a [DoOnce] an inner call for the same API is such a
// part even without a turn: nothing but DoOnce decides to send a payment again. It is
// for the same API if its Retrier is the same, has the same Lockout or classifier, or
// a catalog of the same name: give each API's catalog a name of its own.
//
// A part that goes out with another key than the attempt around it, as one of a
// probe may, judges itself: no answer locks a key that it does not speak of. It
// still sends once, and ends with an [*Error], which ends the outer call as well.
//
// A turn is for one request at a time. Parts of one attempt that are made at the
// same time, as with an errgroup, go out one after the other; they must not wait
// for one another in any other way. Give every call the context that the
// operation around it got: with that of an operation further out it is taken for
// another one at the same time, and waits for the call that it is made in.
//
// An inner call is a call of its own, and holds the outer turn for as long as it
// takes, if its nonce source serves other keys, or if it has none and names
// another key (Config.Key), or names none and shares neither Lockout nor
// Classifier with the call that holds the turn. Two keys must not be nested one
// way round here and the other there, or each may wait for the other until an
// attempt times out.
//
// # Options and tables
//
// A Retrier gets other tables while it runs by [Retrier.Reload], and tells in
// [Retrier.Stats] of codes that they do not know.
//
// [Named] names a call, [Endpoint] says which breaker of Config.Breakers is its
// own, [Fix] corrects the request, and [Fallback] is what a program does instead
// while the breaker is open or the key is locked out. [Hedge] is DoValue for
// reads whose slowest answers are much slower than most. [Resend] is for adapters
// that are given calls which are not safe to repeat.
//
// # A panic
//
// A panic in an operation, or a runtime.Goexit, gives lease and turn back and
// then goes on its way with its own stack. The same holds for a classifier, a
// method of an error, and a hook of the breaker's that exits.
package retry
