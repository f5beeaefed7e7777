package carry

import "context"

// PaymentKey is what a context is asked for by [Payment]. The attempt of a payment
// answers true; what is apart from it, or looks it up, answers false.
type PaymentKey struct{}

// PartKey is what a context is asked for by [Part].
type PartKey struct{}

// Part reports whether ctx is that of a payment's send, or of a lookup, that is under way:
// a call in it is a part of that, and is sent once.
func Part(ctx context.Context) bool {
	is, _ := ctx.Value(PartKey{}).(bool)
	return is
}

// Payment reports whether ctx is that of a send that must happen at most once: the
// answer to it has to say that it happened.
func Payment(ctx context.Context) bool {
	is, _ := ctx.Value(PaymentKey{}).(bool)
	return is
}
