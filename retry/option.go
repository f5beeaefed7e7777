package retry

import (
	"context"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
)

// An Option sets something for a single call: [Named], [Endpoint], [Fix],
// [Fallback], [Resend], [ResendWithin]. Of two of a kind the last one counts.
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

// decides names an option that decides about sending again, empty for the others.
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

// find returns the last option of a kind, nil if there is none.
func find(opts []Option, kind optionKind) *Option {
	for i := len(opts) - 1; i >= 0; i-- {
		if opts[i].kind == kind {
			return &opts[i]
		}
	}
	return nil
}

// Named gives the call a name, for its error, its events and its log lines. One
// like "payment status" says more than an id. It must not hold secrets, and
// metrics want few different ones. What is not
// printable is left out, and what is beyond 256 bytes.
func Named(name string) Option { return Option{kind: optName, text: text.Line(name)} }

func name(opts []Option) string {
	if o := find(opts, optName); o != nil {
		return o.text
	}
	return ""
}

// Endpoint says which part of the API the call goes to, where parts fail by
// themselves: its breaker is that of this name in Config.Breakers. Names should
// be few, "payments" or a host in one spelling, and not of others' choosing. A call
// without Endpoint goes to that of the empty name. Without Breakers the name only
// appears in events and calls that observers are told of.
func Endpoint(name string) Option { return Option{kind: optEndpoint, text: name} }

func endpoint(opts []Option) string {
	if o := find(opts, optEndpoint); o != nil {
		return o.text
	}
	return ""
}

// Fix lets the caller change the request after an error that asks for it, a
// wrong parameter say. f gets the answer, made up from the code where the error was
// of another type, corrects what the operation sends next, and reports whether it
// changed anything: if so the operation is run again at once, if not the call
// ends with [ErrFixAndResend]. An error from f ends it too, as its Cause.
//
// f is called at most once per code in a call and five times in all, between two sends and never
// during one, and holds neither the key's turn nor the breaker while it runs.
func Fix(f func(ctx context.Context, e *classify.Error) (changed bool, err error)) Option {
	if f == nil {
		return Option{}
	}
	return Option{kind: optFix, do: f}
}

func fix(opts []Option) func(context.Context, *classify.Error) (bool, error) {
	if o := find(opts, optFix); o != nil {
		return o.do.(func(context.Context, *classify.Error) (bool, error))
	}
	return nil
}
