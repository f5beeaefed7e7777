package otelretry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/nexpay-go/resilience/retry"
)

// Transport returns a round tripper that sends by base, and tells the span in the context
// of a request which resend it is, by http.request.resend_count as the semantic
// conventions of OpenTelemetry have it: 1 for the second send, absent on the first. It
// belongs beneath the instrumentation that makes a span for each send:
//
//	&retryhttp.Transport{Retrier: r, Base: otelhttp.NewTransport(otelretry.Transport(nil))}
//
// Without one it would be the caller's own span that is told. Nil: http.DefaultTransport.
// Redirects and what net/http repeats by itself are not counted.
func Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{base}
}

type transport struct{ base http.RoundTripper }

// RoundTrip sends by the base, after the span was told.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if n, ok := ResendCount(req.Context()); ok {
		trace.SpanFromContext(req.Context()).SetAttributes(n)
	}
	return t.base.RoundTrip(req)
}

// CloseIdleConnections passes on that of the base: http.Client has a method of that name.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// ResendCount returns the attribute http.request.resend_count for a span that begins in
// an attempt with that context. It is false in a first attempt, and outside of one.
func ResendCount(ctx context.Context) (attribute.KeyValue, bool) {
	a, ok := retry.AttemptFrom(ctx)
	return attribute.Int("http.request.resend_count", a.Number-1), ok
}
