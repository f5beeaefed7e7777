package carry

import "context"

// Lasting is implemented by the context of an attempt with a timeout. The context ends with
// the attempt. An adapter whose answer is read after the attempt takes it over.
type Lasting interface {
	context.Context
	// Adopt announces that Outlive may be called. It is called before anything else.
	Adopt()
	// Outlive takes the context over: it no longer ends with the attempt or its timeout,
	// but with the caller's context or by End. It reports false if the context has ended.
	Outlive() bool
	// End ends the context with a cause; nil means context.Canceled.
	End(cause error)
}
