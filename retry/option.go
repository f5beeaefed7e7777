package retry

import (
	"context"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
)

// An Option sets something for a single call, see [Named] and [Fix].
type Option struct {
	name string
	fix  func(context.Context, *classify.Error) (bool, error)
}

// Named gives the call a name, for its error, its events and its log lines. One
// like "payment status" says more than an id. It must not hold secrets, and
// metrics want few different ones. What is not
// printable is left out, and what is beyond 256 bytes.
func Named(name string) Option { return Option{name: text.Line(name)} }

// Fix lets the caller change the request after an error that asks for it, a
// wrong parameter say. f gets the answer, made up from the code where the error was
// of another type, corrects what the operation sends next, and reports whether it
// changed anything: if so the operation is run again at once, if not the call
// ends with [ErrFixAndResend]. An error from f ends it too, as its Cause.
//
// f is called at most once per code in a call and five times in all, between two sends and never
// during one, and holds neither the key's turn nor the breaker while it runs.
func Fix(f func(ctx context.Context, e *classify.Error) (changed bool, err error)) Option {
	return Option{fix: f}
}

// name is what the options say; the last one wins.
func name(opts []Option) (name string) {
	for i := range opts {
		if opts[i].name != "" {
			name = opts[i].name
		}
	}
	return name
}

// fix is what the options say; the last one wins.
func fix(opts []Option) (fix func(context.Context, *classify.Error) (bool, error)) {
	for i := range opts {
		if opts[i].fix != nil {
			fix = opts[i].fix
		}
	}
	return fix
}
