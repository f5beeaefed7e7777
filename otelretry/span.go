package otelretry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/nexpay-go/resilience/internal/metrics"
	"github.com/nexpay-go/resilience/retry"
)

// onSpan adds an event to the span of the caller, if it records.
func onSpan(ctx context.Context, e retry.Event) {
	name := spanEvent(&e)
	if name == "" {
		return
	}
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(name, trace.WithAttributes(attributes(&e)...))
	}
}

// spanEvent returns the name of the event on a span, or empty for none.
func spanEvent(e *retry.Event) string {
	switch e.Kind {
	case retry.EventResend:
		return "resilience.resend"
	case retry.EventLockedOut:
		return "resilience.lockout"
	case retry.EventDoubt:
		return "resilience.doubt"
	case retry.EventSettled:
		return "resilience.settled"
	case retry.EventGaveUp, retry.EventFallback:
		if e.Reason == "open" || e.Reason == "locked_out" {
			return "resilience.refused"
		}
	}
	return ""
}

func attributes(e *retry.Event) []attribute.KeyValue {
	all := []attribute.KeyValue{attribute.Int("resilience.attempts", e.Attempts)}
	text := func(key, value string) {
		if value != "" {
			all = append(all, attribute.String(key, value))
		}
	}
	text("operation", e.Name)
	text("endpoint", e.Endpoint)
	text("key", e.Key)
	text("resilience.payment.id", e.ID)
	switch e.Kind {
	case retry.EventResend:
		all = append(all, attribute.Float64("resilience.resend.delay", e.Wait.Seconds()))
		text("class", e.Verdict.Class.String())
		text("error.type", metrics.ErrorTypeOf(&e.Verdict))
	case retry.EventLockedOut:
		text("error.type", metrics.ErrorTypeOf(&e.Verdict))
	case retry.EventSettled:
		text("outcome", e.Outcome.String())
	case retry.EventGaveUp, retry.EventFallback:
		text("outcome", e.Reason)
	}
	return all
}
