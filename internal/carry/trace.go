package carry

import (
	"context"
	"net/http/httptrace"
)

// IsTraceKey reports whether key is the context key of net/http/httptrace.
func IsTraceKey(key any) bool { return key == traceKey }

var traceKey = func() any {
	var f keyFinder
	httptrace.ContextClientTrace(&f)
	return f.key
}()

// A keyFinder is a context that remembers the key that it was last asked for.
type keyFinder struct {
	context.Context
	key any
}

func (f *keyFinder) Value(key any) any {
	f.key = key
	return nil
}
