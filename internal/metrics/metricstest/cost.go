package metricstest

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// Quick returns a Retrier without an attempt timeout, whose successful calls allocate nothing
// by themselves. Nil Metrics measure nothing.
func Quick(t testing.TB, m Metrics, cfg retry.Config) *retry.Retrier {
	t.Helper()
	p, err := policy.Standard().With(policy.Table{AttemptTimeout: policy.None})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Policies = p
	if m != nil {
		m.Attach(&cfg)
	}
	r, err := retry.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if m != nil {
		m.Watch(r)
	}
	return r
}

// Succeed makes a call that succeeds at once.
func Succeed(ctx context.Context, r *retry.Retrier) error {
	return retry.Do(ctx, r, func(context.Context) error { return nil }, retry.Named("payment status"), retry.Endpoint("payments"))
}

// Benchmark measures such a call without anything, with hooks that do nothing, and as each
// of these Metrics measures it.
func Benchmark(b *testing.B, each map[string]Metrics) {
	of := map[string]*retry.Retrier{
		"without": Quick(b, nil, retry.Config{}),
		"hooks": Quick(b, nil, retry.Config{
			OnCall: func(context.Context, retry.Call) {}, OnAttempt: func(context.Context, retry.Call) {},
		}),
	}
	for name, m := range each {
		of[name] = Quick(b, m, retry.Config{})
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			ctx := context.Background()
			for b.Loop() {
				_ = Succeed(ctx, of[name])
			}
		})
	}
}
