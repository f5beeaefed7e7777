package retryhttp

import (
	"context"
	"maps"
	"net/http"
	"sync/atomic"

	"github.com/nexpay-go/resilience/retry"
)

// Describe says of the call what events and logs have: nothing of it is the path, the
// query, a header or the body, nor who the user is.
func (x *exchange) Describe() (name, method, at string) {
	method, at = methodName(x.req.Method), host(x.req.URL)
	return defaultName(method, at), method, at
}

// Endpoint is that of the call.
func (x *exchange) Endpoint() string { return x.t.endpoint(x.req) }

// named returns the options of a call: at, and its name, if Transport.Name has one. Without
// one, Describe says it where somebody listens.
func (x *exchange) named(at retry.Option) []retry.Option {
	opts := append(x.opts[:0], at)
	if x.t.Name != nil {
		opts = append(opts, retry.Named(x.t.Name(x.req)))
	}
	return opts
}

// noted is the context of a warning about an exchange, which says what it is about.
type noted struct {
	context.Context
	*exchange
}

// Value is that of the context.
func (n noted) Value(key any) any { return n.Context.Value(key) }

// warning tells the observer of something about the exchange.
func (x *exchange) warning(text string) {
	name, _, _ := x.Describe()
	if x.t.Name != nil {
		name = x.t.Name(x.req)
	}
	x.t.Retrier.Warn(noted{context.WithoutCancel(x.Context), x}, name, text)
}

// methodName is a method, if it is one that has a meaning by RFC 9110 or 5789: labels of
// metrics are made of it.
func methodName(method string) string {
	switch method {
	case "":
		return http.MethodGet
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "other"
}

// A what is the method and the host of a request.
type what struct{ method, host string }

// names are the names of calls that have none of their own, so that a call with an
// observer need not put it together.
var names atomic.Pointer[map[what]string]

// mostNames is how many are kept: others may choose hosts, by a redirect say.
const mostNames = 256

// defaultName is "POST api.example.com".
func defaultName(method, host string) string {
	of := what{method, host}
	kept := names.Load()
	if kept != nil {
		if name, ok := (*kept)[of]; ok {
			return name
		}
	}
	name := method
	if host != "" {
		name += " " + host
	}
	more := map[what]string{of: name}
	if kept != nil {
		if len(*kept) >= mostNames {
			return name
		}
		maps.Copy(more, *kept)
	}
	names.CompareAndSwap(kept, &more) // if somebody was faster, the next call keeps it
	return name
}
