package promretry_test

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/metrics/metricstest"
	"github.com/nexpay-go/resilience/promretry"
	"github.com/nexpay-go/resilience/retry"
)

func unread(t testing.TB) *promretry.Metrics {
	m, err := promretry.New(promretry.Config{Registerer: prometheus.NewRegistry()})
	require.NoError(t, err)
	return m
}

func BenchmarkCall(b *testing.B) {
	metricstest.Benchmark(b, map[string]metricstest.Metrics{"promretry": unread(b)})
}

func TestSuccessAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := metricstest.Quick(t, unread(t), retry.Config{})
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = metricstest.Succeed(context.Background(), r) }))
}
