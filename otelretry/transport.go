package otelretry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/nexpay-go/resilience/retry"
)

// Transport returns a round tripper that sends with base, and sets http.request.resend_count
// on the span in the context of a request, as the semantic conventions of OpenTelemetry
// define it: 1 for the second send, absent on the first. Use it beneath the instrumentation
// that makes a span for each send:
//
//	&retryhttp.Transport{Retrier: r, Base: otelhttp.NewTransport(otelretry.Transport(nil))}
//
// Without such an instrumentation the attribute is set on the caller's own span. Nil:
// http.DefaultTransport. Redirects, and sends that net/http repeats by itself, do not count.
func Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{base}
}

type transport struct{ base http.RoundTripper }

// RoundTrip sets the attribute and sends with the base.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if n, ok := ResendCount(req.Context()); ok {
		trace.SpanFromContext(req.Context()).SetAttributes(n)
	}
	return t.base.RoundTrip(req)
}

// CloseIdleConnections calls the method of the base, for http.Client.CloseIdleConnections.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// ResendCount returns the attribute http.request.resend_count for a span that begins in
// an attempt with that context. It returns false in a first attempt and outside of one.
func ResendCount(ctx context.Context) (attribute.KeyValue, bool) {
	a, ok := retry.AttemptFrom(ctx)
	return attribute.Int("http.request.resend_count", a.Number-1), ok
}
