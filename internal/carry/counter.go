package carry

import "context"

// A Counting context is that of an adapter which counts the connections of its sends, and
// reports them to the [Counter] in the context of each. For all else they are traced. As
// with a [Waiter], contexts made from it are not.
type Counting interface {
	context.Context
	CountsConnections()
}

// CounterKey is what the context of a send is asked for by such an adapter.
type CounterKey struct{}

// SentKey is what the context of a send is asked for by an adapter of another protocol
// than HTTP, whose sends nobody else would count. It is there whether the adapter made that
// context or somebody around it, and is a [Counter].
type SentKey struct{}

// A Counter counts the connections of one send.
type Counter interface {
	Asked()
	Got()
}
