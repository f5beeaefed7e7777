package retryhttp

import (
	"context"
	"maps"
	"net/http"
	"sync/atomic"

	"github.com/nexpay-go/resilience/retry"
)

// Describe returns name, method and host of the call for events and logs, without path,
// query, header, body or user.
func (x *exchange) Describe() (name, method, at string) {
	method, at = methodName(x.req.Method), host(x.req.URL)
	return defaultName(method, at), method, at
}

// Endpoint returns the endpoint of the call.
func (x *exchange) Endpoint() string { return x.t.endpoint(x.req) }

// named returns the options of a call: at, and its name if Transport.Name is set. Otherwise
// Describe provides the name when it is needed.
func (x *exchange) named(at retry.Option) []retry.Option {
	opts := append(x.opts[:0], at)
	if x.t.Name != nil {
		opts = append(opts, retry.Named(x.t.Name(x.req)))
	}
	return opts
}

// A noted is the context of a warning about an exchange. It describes the exchange.
type noted struct {
	context.Context
	*exchange
}

// Value returns the value of the context.
func (n noted) Value(key any) any { return n.Context.Value(key) }

// warning reports something about the exchange to the observer.
func (x *exchange) warning(text string) {
	name, _, _ := x.Describe()
	if x.t.Name != nil {
		name = x.t.Name(x.req)
	}
	x.t.Retrier.Warn(noted{context.WithoutCancel(x.Context), x}, name, text)
}

// methodName returns a method defined by RFC 9110 or 5789, or "other": it becomes a label
// of metrics.
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

// names caches the names of calls that have none of their own, to save allocations.
var names atomic.Pointer[map[what]string]

// mostNames is how many are cached, because others may choose hosts, for example by
// redirects.
const mostNames = 256

// defaultName returns "POST api.example.com".
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
