// Package otelretry measures the calls of package retry with OpenTelemetry. It requires
// only the API of OpenTelemetry. Call Attach before the Retrier is made and Watch after:
//
//	m, err := otelretry.New(otelretry.Config{})
//	// …
//	m.Attach(&cfg)
//	r, err := retry.New(cfg)
//	// …
//	m.Watch(r)
//
// docs/observe.md lists the metrics, and when to alert. In Prometheus, by an exporter or by
// OTLP, they have the same names as those of package promretry, so the dashboard and the
// alerting rules in the folder grafana serve both.
//
// # Attributes
//
// error.type is a name from the program's own tables, or a class: never a code or a text
// of an answer. Each metric has at most 200 attribute sets, however many codes, names and
// endpoints there are. Empty attributes are left out: a call without a name has no operation.
//
// # Spans
//
// It makes no spans. To the span in the context of a call, if that records, it adds an
// event for each resend (resilience.resend), for a call that a breaker or a locked key
// refused (resilience.refused), for a key that an answer locked (resilience.lockout), and
// for the beginning and the end of a payment's doubt (resilience.doubt,
// resilience.settled). [Transport] gives the spans of an HTTP instrumentation the number of
// the resend.
package otelretry
