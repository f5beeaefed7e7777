package otelretry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/internal/metrics"
	"github.com/nexpay-go/resilience/internal/metrics/metricstest"
	"github.com/nexpay-go/resilience/otelretry"
	"github.com/nexpay-go/resilience/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newMetrics(t testing.TB, cfg otelretry.Config) (*otelretry.Metrics, *metric.ManualReader) {
	t.Helper()
	reader := metric.NewManualReader()
	cfg.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
	m, err := otelretry.New(cfg)
	require.NoError(t, err)
	return m, reader
}

func collect(t testing.TB, reader *metric.ManualReader) []metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &all))
	if len(all.ScopeMetrics) == 0 {
		return nil
	}
	require.Len(t, all.ScopeMetrics, 1)
	require.Equal(t, "github.com/nexpay-go/resilience/otelretry", all.ScopeMetrics[0].Scope.Name)
	return all.ScopeMetrics[0].Metrics
}

// points are the series of a metric, with their values, of histograms their counts.
func points(m metricdata.Metrics) (all []string) {
	add := func(set attribute.Set, v any) {
		all = append(all, fmt.Sprintf("%s{%s} %v", m.Name, set.Encoded(attribute.DefaultEncoder()), v))
	}
	switch data := m.Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Count)
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, "…")
		}
	default:
		panic(fmt.Sprintf("%T", m.Data))
	}
	return all
}

func allPoints(ms []metricdata.Metrics) (all []string) {
	for _, m := range ms {
		all = append(all, points(m)...)
	}
	slices.Sort(all)
	return all
}

// What is collected has every metric, with what happened, with name, unit and kind.
func TestCollect(t *testing.T) {
	m, reader := newMetrics(t, otelretry.Config{})
	require.Equal(t, []string{"resilience.payments.undecided{} 0", "resilience.unknown_codes{} 0"}, allPoints(collect(t, reader)))
	metricstest.Scene(t, m)
	got := collect(t, reader)
	want, err := os.ReadFile("testdata/scene.txt")
	require.NoError(t, err)
	require.Equal(t, strings.Split(strings.TrimSpace(string(want)), "\n"), allPoints(got))
	require.NotContains(t, fmt.Sprint(got), "SECRET")
	require.NotContains(t, fmt.Sprint(got), "made-up")
	for _, in := range metrics.All() {
		i := slices.IndexFunc(got, func(m metricdata.Metrics) bool { return m.Name == in.Name })
		require.GreaterOrEqual(t, i, 0, in.Name)
		require.Equal(t, []string{in.Unit, in.Help}, []string{got[i].Unit, got[i].Description})
		switch data := got[i].Data.(type) {
		case metricdata.Histogram[float64]:
			require.Equal(t, metrics.Histogram, in.Kind, in.Name)
			require.Equal(t, metrics.Buckets(), data.DataPoints[0].Bounds)
		case metricdata.Sum[int64]:
			require.Equal(t, in.Kind == metrics.Counter || in.Kind == metrics.ObservedCounter, data.IsMonotonic, in.Name)
		default:
			require.Equal(t, metrics.ObservedGauge, in.Kind, in.Name)
		}
	}
}

// By the exporter for Prometheus they have the names and labels that promretry gives them.
func TestPrometheusNames(t *testing.T) {
	registry := prom.NewPedanticRegistry()
	exporter, err := prometheus.New(prometheus.WithRegisterer(registry))
	require.NoError(t, err)
	provider := metric.NewMeterProvider(metric.WithReader(exporter))
	m, err := otelretry.New(otelretry.Config{MeterProvider: provider})
	require.NoError(t, err)
	metricstest.Scene(t, m)

	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, string(page))

	scope := regexp.MustCompile(`,?otel_scope_\w+="[^"]*"`)
	var lines []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "resilience_") && !strings.Contains(line, "_bucket{") && !strings.Contains(line, "_sum{") {
			line = strings.NewReplacer("{,", "{", "{}", "").Replace(scope.ReplaceAllString(strings.TrimSpace(line), ""))
			lines = append(lines, regexp.MustCompile(`^(resilience_lane_nonce_ahead_seconds\S*) .*`).ReplaceAllString(line, "$1 …"))
		}
	}
	theirs, err := os.ReadFile("../promretry/testdata/scene.txt")
	require.NoError(t, err)
	want := strings.Split(strings.TrimSpace(regexp.MustCompile(`\w+="",?`).ReplaceAllString(string(theirs), "")), "\n")
	require.ElementsMatch(t, want, lines)
}

// Whatever is made up, each metric has 200 attribute sets at most.
func TestSeriesAreBounded(t *testing.T) {
	m, reader := newMetrics(t, otelretry.Config{})
	metricstest.Scene(t, m)
	before := collect(t, reader)
	times := 5_000
	if long.Tests() && !raceEnabled {
		times = 100_000
	}
	metricstest.Hostile(t, m, times)
	after, full := collect(t, reader), 0
	for _, m := range after {
		require.LessOrEqual(t, len(points(m)), 200, m.Name)
		if len(points(m)) > 95 {
			full++
		}
	}
	require.Greater(t, full, 9, "so the bounds were needed")
	there := fmt.Sprint(allPoints(after))
	for _, p := range allPoints(before) {
		require.Contains(t, there, p[:strings.LastIndex(p, " ")], "what was there stays")
	}
	require.Contains(t, there, "resilience.payments.in_doubt{operation=other} 0")
	require.NotContains(t, there, "overflow")
}

func TestConfig(t *testing.T) {
	_, err := otelretry.New(otelretry.Config{MaxSeries: 99})
	require.ErrorContains(t, err, "otelretry: MaxSeries 99 is not between")

	m, reader := newMetrics(t, otelretry.Config{Attributes: []attribute.KeyValue{attribute.String("api", "nexpay")}})
	metricstest.Scene(t, m)
	for _, p := range allPoints(collect(t, reader)) {
		require.Contains(t, p, "api=nexpay")
	}
	require.NoError(t, m.Close())
	for _, p := range allPoints(collect(t, reader)) {
		require.NotContains(t, p, "breaker.state", "what is not watched is not told")
	}

	_, err = otelretry.New(otelretry.Config{MeterProvider: noop.NewMeterProvider()})
	require.NoError(t, err)
}

// Without a MeterProvider it is the global one, also one that is set later.
func TestGlobalProvider(t *testing.T) {
	m, err := otelretry.New(otelretry.Config{})
	require.NoError(t, err)
	reader := metric.NewManualReader()
	otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(reader)))
	defer otel.SetMeterProvider(noop.NewMeterProvider())
	metricstest.Scene(t, m)
	require.Contains(t, allPoints(collect(t, reader)), "resilience.payments.undecided{} 1")
}

// Calls and collections go on at the same time.
func TestConcurrent(t *testing.T) {
	m, reader := newMetrics(t, otelretry.Config{})
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			metricstest.Scene(t, m)
		}()
	}
	for range 20 {
		collect(t, reader)
	}
	for range 4 {
		<-done
	}
	require.Contains(t, allPoints(collect(t, reader)), "resilience.payments.undecided{} 4")
}

// An operation's name is the program's own word, so it may be empty.
func TestWhatIsEmptyIsLeftOut(t *testing.T) {
	m, reader := newMetrics(t, otelretry.Config{})
	r := metricstest.New(t, m, retry.Config{})
	require.NoError(t, retry.Do(context.Background(), r, metricstest.Answers()))
	require.Contains(t, allPoints(collect(t, reader)), "resilience.call.duration{outcome=success} 1")
}
