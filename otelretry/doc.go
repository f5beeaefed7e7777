// Package otelretry measures the calls of package retry with OpenTelemetry. It needs
// its API only. It takes a line before the Retrier is made and one after:
//
//	m, err := otelretry.New(otelretry.Config{})
//	// …
//	m.Attach(&cfg)
//	r, err := retry.New(cfg)
//	// …
//	m.Watch(r)
//
// The metrics, what they tell and what to alert on are in docs/observe.md. In
// Prometheus, by an exporter or by OTLP, they have the names that package promretry
// gives them, so that the dashboard and the alerting rules in the folder grafana serve both.
//
// # Attributes
//
// error.type is a name from the program's own tables, or a class: never a code or a text
// of an answer. However many codes, names and endpoints there are, each metric has 200
// attribute sets at most. What is empty is left out: a call without a name has no operation.
//
// # Spans
//
// It makes no spans. On the span in the context of a call, if that records, it puts
// an event for each resend (resilience.resend), for a call that a breaker or a locked key
// refused (resilience.refused), for a key that an answer locked (resilience.lockout), and
// for the beginning and the end of a payment's doubt (resilience.doubt,
// resilience.settled). [Transport] gives the spans of an HTTP instrumentation the number of
// the resend.
package otelretry
