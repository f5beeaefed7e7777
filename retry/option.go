package retry

import (
	"context"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
)

// An Option sets something for a single call: [Named], [Endpoint], [Fix], [Fallback],
// [Resend], [ResendWithin]. If a kind occurs twice, the last one counts.
type Option struct {
	kind  optionKind
	text  string
	bound bound
	do    any // a function, or what else the kind calls for
}

type optionKind uint8

const (
	optName optionKind = iota + 1
	optEndpoint
	optFix
	optFallback
	optResend
	optHeld
)

// decides returns the name of an option that controls retries, empty for other options.
func (k optionKind) decides() string {
	switch k {
	case optFix:
		return "Fix"
	case optFallback:
		return "Fallback"
	case optResend:
		return "Resend"
	}
	return ""
}

// find returns the last option of a kind. If there is none, it returns noOption.
func find(opts []Option, kind optionKind) *Option {
	for i := len(opts) - 1; i >= 0; i-- {
		if opts[i].kind == kind {
			return &opts[i]
		}
	}
	return &noOption
}

// noOption is read only.
var noOption Option

// Named names the call in its error, its events and its log lines. Use a description such
// as "payment status", not an id: metrics need few different names, and a name must not
// hold secrets. Unprintable characters are removed, and the name is cut at 256 bytes.
func Named(name string) Option { return Option{kind: optName, text: text.Line(name)} }

// Endpoint names the part of the API that the call goes to, if parts fail independently:
// the call uses the breaker of that name in Config.Breakers. Use few names, such as
// "payments" or a normalized host, which others cannot choose. The default is the empty
// name. Without Breakers the name only appears in events and calls.
func Endpoint(name string) Option { return Option{kind: optEndpoint, text: name} }

// Fix lets the caller change the request after an error of class FixAndResend, such as an
// invalid parameter. f gets the API's answer, or one made from the code if the error has
// another type. It corrects what the operation sends next and returns whether it changed
// anything. If it did, the operation runs again at once; otherwise the call ends with
// [ErrFixAndResend]. An error of f ends the call too and becomes its Cause.
//
// f runs at most once per code in a call and five times in all. It runs between two sends
// and holds neither the key's turn nor the breaker's lease.
func Fix(f func(ctx context.Context, e *classify.Error) (changed bool, err error)) Option {
	if f == nil {
		return Option{}
	}
	return Option{kind: optFix, do: f}
}

func fix(opts []Option) func(context.Context, *classify.Error) (bool, error) {
	f, _ := find(opts, optFix).do.(func(context.Context, *classify.Error) (bool, error))
	return f
}
