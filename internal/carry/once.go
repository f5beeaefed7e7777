package carry

// OnceKey is what a context is asked for by a call that is sent once: a string that
// says why, for people. Nil: because it was told to.
type OnceKey struct{}

// DoubtKey is what a context is asked for by a call that ends in doubt: a string that
// says what would let it be sent again, for people. Nil: nobody knows.
type DoubtKey struct{}
