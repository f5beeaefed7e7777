package carry

import "context"

// Counting is implemented by the context of an adapter that counts the connections of its
// sends and reports them to the [Counter] in the context of each send. Without it, they
// are counted by a httptrace. As with a [Waiter], a context derived from it does not count.
type Counting interface {
	context.Context
	CountsConnections()
}

// CounterKey is the context key under which such an adapter finds the [Counter] of a send.
type CounterKey struct{}

// SentKey is the context key under which an adapter of a protocol other than HTTP, whose
// sends no httptrace can see, finds the [Counter] of a send. The value is there whether or
// not the adapter made the context.
type SentKey struct{}

// A Counter counts the connections of one send.
type Counter interface {
	Asked() // a connection was asked for
	Got()   // a connection was got
}
