package carry

import "context"

// PaymentKey is the context key of [Payment]. The value is true in the attempt of a
// payment, and false in its lookups and in calls apart from it.
type PaymentKey struct{}

// NestedKey is the context key of [Nested].
type NestedKey struct{}

// Nested reports whether ctx is that of a payment's send or lookup in progress. A call made
// with it is part of that, and is sent once.
func Nested(ctx context.Context) bool {
	is, _ := ctx.Value(NestedKey{}).(bool)
	return is
}

// Payment reports whether ctx is that of a send that must happen at most once. Its answer
// must confirm that it happened.
func Payment(ctx context.Context) bool {
	is, _ := ctx.Value(PaymentKey{}).(bool)
	return is
}
