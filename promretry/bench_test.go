package promretry_test

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/promretry"
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

func attached(t testing.TB) *retry.Retrier {
	m, err := promretry.New(promretry.Config{Registerer: prometheus.NewRegistry()})
	require.NoError(t, err)
	var cfg retry.Config
	m.Attach(&cfg)
	r := quick(t, cfg)
	m.Watch(r)
	return r
}

// The same call without anything, with hooks that do nothing, and with the metrics.
func BenchmarkCall(b *testing.B) {
	for _, of := range []struct {
		name string
		r    *retry.Retrier
	}{
		{"without", quick(b, retry.Config{})},
		{"hooks", quick(b, retry.Config{OnCall: func(context.Context, retry.Call) {}, OnAttempt: func(context.Context, retry.Call) {}})},
		{"promretry", attached(b)},
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

func TestSuccessAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r, op := attached(t), func(context.Context) error { return nil }
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = retry.Do(context.Background(), r, op, retry.Named("payment status"), retry.Endpoint("payments"))
	}))
}
