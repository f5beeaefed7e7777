package carry

import "context"

// A Lasting is the context of an attempt that has a time, and ends with the attempt. An
// adapter whose answer is read after the attempt takes it over.
type Lasting interface {
	context.Context
	// Adopt announces that somebody may take it over. It comes before all else.
	Adopt()
	// Outlive takes the context over: it ends with the caller's, or by End, and no more
	// with the attempt or its time. It reports false if it is over already.
	Outlive() bool
	// End ends it with a cause; nil is context.Canceled.
	End(cause error)
}
