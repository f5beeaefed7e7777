package promretry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/internal/metrics"
	"github.com/nexpay-go/resilience/internal/metrics/metricstest"
	"github.com/nexpay-go/resilience/promretry"
	"github.com/nexpay-go/resilience/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newMetrics(t testing.TB, cfg promretry.Config) (*promretry.Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	cfg.Registerer = registry
	m, err := promretry.New(cfg)
	require.NoError(t, err)
	return m, registry
}

// scrape gets what Prometheus would.
func scrape(t testing.TB, registry *prometheus.Registry) string {
	t.Helper()
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, string(page))
	return string(page)
}

// series are the lines of a page that are of no bucket and no sum.
func series(page string) (lines []string) {
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, "_bucket{") && !strings.Contains(line, "_sum{") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// A real scrape has every metric, with what happened.
func TestScrape(t *testing.T) {
	m, registry := newMetrics(t, promretry.Config{})
	require.Equal(t, []string{"resilience_payments_undecided_total 0", "resilience_unknown_codes_total 0"}, series(scrape(t, registry)),
		"a rate does not see the first of a series that was not there before")
	metricstest.Scene(t, m)
	page := scrape(t, registry)
	want, err := os.ReadFile("testdata/scene.txt")
	require.NoError(t, err)
	require.Equal(t, strings.Split(strings.TrimSpace(string(want)), "\n"), settled(series(page)))
	require.NotContains(t, page, "SECRET")
	require.NotContains(t, page, "made-up")
	for _, in := range metrics.All() {
		kind := map[metrics.Kind]string{metrics.Histogram: "histogram", metrics.Counter: "counter", metrics.ObservedCounter: "counter"}[in.Kind]
		if kind == "" {
			kind = "gauge"
		}
		require.Contains(t, page, fmt.Sprintf("\n# TYPE %s %s\n", in.Prometheus(), kind))
	}
}

// settled takes out what is another one each time: how far the nonce is ahead of the clock.
func settled(lines []string) []string {
	for i, line := range lines {
		lines[i] = regexp.MustCompile(`^(resilience_lane_nonce_ahead_seconds\S*) .*`).ReplaceAllString(line, "$1 …")
	}
	return lines
}

// Whatever is made up, each metric has 200 label sets at most.
func TestSeriesAreBounded(t *testing.T) {
	m, registry := newMetrics(t, promretry.Config{})
	metricstest.Scene(t, m)
	before := series(scrape(t, registry))
	times := 5_000
	if long.Tests() && !raceEnabled {
		times = 100_000
	}
	metricstest.Hostile(t, m, times)
	families, err := registry.Gather()
	require.NoError(t, err)
	full := 0
	for _, f := range families {
		require.LessOrEqual(t, len(f.Metric), 200, f.GetName())
		if len(f.Metric) > 95 {
			full++
		}
	}
	require.Greater(t, full, 9, "so the bounds were needed")
	after := names(series(scrape(t, registry)))
	for line := range names(before) {
		require.Contains(t, after, line, "what was there stays")
	}
	require.Contains(t, after, `resilience_payments_in_doubt{operation="other"}`)
}

func names(lines []string) map[string]bool {
	all := map[string]bool{}
	for _, l := range lines {
		all[l[:strings.LastIndex(l, " ")]] = true
	}
	return all
}

// A person unlocks the key, and the breaker closes: so do the metrics, and the totals stay.
func TestStateFollows(t *testing.T) {
	m, registry := newMetrics(t, promretry.Config{})
	b, err := breaker.New(breaker.Config{Name: "bank"})
	require.NoError(t, err)
	r := metricstest.New(t, m, retry.Config{Key: "main", Breaker: b})
	require.ErrorIs(t, retry.Do(t.Context(), r, metricstest.Answers(metricstest.Code(403, "100"))), retry.ErrFatal)
	require.Contains(t, scrape(t, registry), `resilience_lockout_locked{error_type="API key locked",key="main"} 1`)
	r.Lockout().Unlock("main")
	page := scrape(t, registry)
	require.Contains(t, page, `resilience_lockout_locked{error_type="",key="main"} 0`)
	require.NotContains(t, page, `error_type="API key locked",key="main"`)

	b.Isolate("fire")
	require.ErrorIs(t, retry.Do(t.Context(), r, metricstest.Answers()), retry.ErrOpen)
	require.Contains(t, scrape(t, registry), `resilience_breaker_state{endpoint="bank",state="open"} 1`)
	b.Reset()
	page = scrape(t, registry)
	require.Contains(t, page, `resilience_breaker_state{endpoint="bank",state="open"} 0`)
	require.Contains(t, page, `resilience_breaker_state{endpoint="bank",state="closed"} 1`)
	require.Contains(t, page, `resilience_breaker_refused_total{endpoint="bank"} 1`)
	require.Contains(t, page, `resilience_breaker_transitions_total{endpoint="bank"} 2`)
}

// What is shared is read once, until the last one has stopped.
func TestWatchAndClose(t *testing.T) {
	m, registry := newMetrics(t, promretry.Config{})
	b, err := breaker.New(breaker.Config{Name: "bank"})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Breaker: b})
	require.NoError(t, err)
	other, err := retry.New(retry.Config{Breaker: b})
	require.NoError(t, err)
	first, second, third := m.Watch(r), m.Watch(r), m.Watch(other)
	const closed = `resilience_breaker_state{endpoint="bank",state="closed"} 1`
	require.Contains(t, scrape(t, registry), closed)
	first()
	first()
	third()
	require.Contains(t, scrape(t, registry), closed)
	second()
	require.NotContains(t, scrape(t, registry), "bank\",state")
	m.Watch(nil)()
	require.NotContains(t, scrape(t, registry), "bank\",state")

	_, err = promretry.New(promretry.Config{Registerer: registry})
	require.ErrorAs(t, err, &prometheus.AlreadyRegisteredError{})
	require.NoError(t, m.Close())
	require.Error(t, m.Close())
	require.Empty(t, scrape(t, registry))
	_, err = promretry.New(promretry.Config{Registerer: registry})
	require.NoError(t, err)
}

func TestConfig(t *testing.T) {
	for _, wrong := range []int{-1, 99, 10_001} {
		_, err := promretry.New(promretry.Config{Registerer: prometheus.NewRegistry(), MaxSeries: wrong})
		require.ErrorContains(t, err, "promretry: MaxSeries")
	}
	m, registry := newMetrics(t, promretry.Config{MaxSeries: 1000})
	r := metricstest.New(t, m, retry.Config{})
	for i := range 400 {
		require.NoError(t, retry.Do(t.Context(), r, metricstest.Answers(), retry.Named(fmt.Sprint("operation ", i))))
	}
	require.NotContains(t, scrape(t, registry), `operation="other"`)
}

// What is in the configuration already is told as well.
func TestAttachKeepsObservers(t *testing.T) {
	m, _ := newMetrics(t, promretry.Config{})
	calls, attempts, events := 0, 0, 0
	r := metricstest.New(t, m, retry.Config{
		OnCall:    func(context.Context, retry.Call) { calls++ },
		OnAttempt: func(context.Context, retry.Call) { attempts++ },
		OnEvent:   func(context.Context, retry.Event) { events++ },
	})
	require.Error(t, retry.Do(t.Context(), r, metricstest.Answers(errors.New("x"))))
	require.Equal(t, []int{1, 1, 1}, []int{calls, attempts, events})
}

// Calls and scrapes go on at the same time.
func TestConcurrent(t *testing.T) {
	m, registry := newMetrics(t, promretry.Config{})
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			metricstest.Scene(t, m)
		}()
	}
	for range 20 {
		_, err := registry.Gather()
		require.NoError(t, err)
	}
	for range 4 {
		<-done
	}
	require.Contains(t, scrape(t, registry), "resilience_payments_undecided_total 4")
}

// A hook of a breaker's may scrape, also where the scrape has found the change.
func TestHookScrapes(t *testing.T) {
	m, registry := newMetrics(t, promretry.Config{})
	scraped := make(chan error, 1)
	b, err := breaker.New(breaker.Config{OpenFor: time.Millisecond, ConsecutiveFailures: 1, OnStateChange: func(c breaker.StateChange) {
		if c.To == breaker.HalfOpen {
			_, err := registry.Gather()
			scraped <- err
		}
	}})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Breaker: b})
	require.NoError(t, err)
	m.Watch(r)
	l, err := b.Acquire()
	require.NoError(t, err)
	l.Done(breaker.Failure)
	for b.RetryIn() > 0 {
		time.Sleep(time.Millisecond)
	}
	require.Contains(t, scrape(t, registry), `resilience_breaker_state{endpoint="",state="half-open"} 1`)
	require.NoError(t, <-scraped)
}
