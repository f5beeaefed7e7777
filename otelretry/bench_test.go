package otelretry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/nexpay-go/resilience/otelretry"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// quick has no attempt timeout, so that the call itself allocates nothing.
func quick(t testing.TB, cfg retry.Config) *retry.Retrier {
	p, err := policy.Nexpay().With(policy.Table{AttemptTimeout: policy.None})
	require.NoError(t, err)
	cfg.Policies = p
	r, err := retry.New(cfg)
	require.NoError(t, err)
	return r
}

// attached is measured by an SDK as it is by default, but for the options.
func attached(t testing.TB, opts ...sdkmetric.Option) *retry.Retrier {
	provider := sdkmetric.NewMeterProvider(append(opts, sdkmetric.WithReader(sdkmetric.NewManualReader()))...)
	m, err := otelretry.New(otelretry.Config{MeterProvider: provider})
	require.NoError(t, err)
	var cfg retry.Config
	m.Attach(&cfg)
	r := quick(t, cfg)
	m.Watch(r)
	return r
}

// The same call without anything, with hooks that do nothing, and with the metrics: all of
// them, without exemplars, and without those of attempts.
func BenchmarkCall(b *testing.B) {
	noAttempts := sdkmetric.WithView(sdkmetric.NewView(
		sdkmetric.Instrument{Name: "resilience.attempt.duration"}, sdkmetric.Stream{Aggregation: sdkmetric.AggregationDrop{}}))
	for _, of := range []struct {
		name string
		r    *retry.Retrier
	}{
		{"without", quick(b, retry.Config{})},
		{"hooks", quick(b, retry.Config{OnCall: func(context.Context, retry.Call) {}, OnAttempt: func(context.Context, retry.Call) {}})},
		{"otelretry", attached(b)},
		{"otelretry-no-exemplars", attached(b, sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter))},
		{"otelretry-no-attempts", attached(b, noAttempts)},
	} {
		b.Run(of.name, func(b *testing.B) {
			b.ReportAllocs()
			ctx, op := context.Background(), func(context.Context) error { return nil }
			for b.Loop() {
				_ = retry.Do(ctx, of.r, op, retry.Named("payment status"), retry.Endpoint("payments"))
			}
		})
	}
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
	r, op := attached(t), func(context.Context) error { return nil }
	for _, ctx := range []context.Context{context.Background(), unsampled, sampled} {
		require.Zero(t, testing.AllocsPerRun(1000, func() {
			_ = retry.Do(ctx, r, op, retry.Named("payment status"), retry.Endpoint("payments"))
		}))
	}
}
