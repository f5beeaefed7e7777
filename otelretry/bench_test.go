package otelretry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/nexpay-go/resilience/internal/metrics/metricstest"
	"github.com/nexpay-go/resilience/otelretry"
	"github.com/nexpay-go/resilience/retry"
)

// unread are the metrics, which nobody reads, of an SDK as it is by default, but for the options.
func unread(t testing.TB, opts ...sdkmetric.Option) *otelretry.Metrics {
	provider := sdkmetric.NewMeterProvider(append(opts, sdkmetric.WithReader(sdkmetric.NewManualReader()))...)
	m, err := otelretry.New(otelretry.Config{MeterProvider: provider})
	require.NoError(t, err)
	return m
}

// All metrics, those without exemplars, and those without attempts.
func BenchmarkCall(b *testing.B) {
	noAttempts := sdkmetric.WithView(sdkmetric.NewView(
		sdkmetric.Instrument{Name: "resilience.attempt.duration"}, sdkmetric.Stream{Aggregation: sdkmetric.AggregationDrop{}}))
	metricstest.Benchmark(b, map[string]metricstest.Metrics{
		"otelretry":              unread(b),
		"otelretry-no-exemplars": unread(b, sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter)),
		"otelretry-no-attempts":  unread(b, noAttempts),
	})
}

// A call that succeeds at once allocates nothing, in a span neither.
func TestSuccessAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	tr, _ := tracer(t, trace.WithSampler(trace.NeverSample()))
	unsampled, span := tr.Start(context.Background(), "work")
	defer span.End()
	tr, _ = tracer(t)
	sampled, span := tr.Start(context.Background(), "work")
	defer span.End()
	r := metricstest.Quick(t, unread(t), retry.Config{})
	for _, ctx := range []context.Context{context.Background(), unsampled, sampled} {
		require.Zero(t, testing.AllocsPerRun(1000, func() { _ = metricstest.Succeed(ctx, r) }))
	}
}
