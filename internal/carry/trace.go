package carry

import (
	"context"
	"net/http/httptrace"
)

// IsTrace reports whether key is that by which a context finds its trace.
func IsTrace(key any) bool { return key == traceKey }

var traceKey = func() any {
	var f keyFinder
	httptrace.ContextClientTrace(&f)
	return f.key
}()

// A keyFinder is a context that remembers what it was asked for.
type keyFinder struct {
	context.Context
	key any
}

func (f *keyFinder) Value(key any) any {
	f.key = key
	return nil
}
