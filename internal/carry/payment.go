package carry

import "context"

// PaymentKey is what a context is asked for by [Payment]. The attempt of a payment
// answers true; what is apart from it, or looks it up, answers false.
type PaymentKey struct{}

// Payment reports whether ctx is that of a send that must happen at most once: the
// answer to it has to say that it happened.
func Payment(ctx context.Context) bool {
	is, _ := ctx.Value(PaymentKey{}).(bool)
	return is
}
