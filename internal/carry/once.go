package carry

// OnceKey is the context key of a call that is sent once. The value is a string that says
// why, for people. Nil: because it was configured so.
type OnceKey struct{}

// DoubtKey is the context key of a call that ends in doubt. The value is a string that says
// what would allow a resend, for people. Nil: not known.
type DoubtKey struct{}
