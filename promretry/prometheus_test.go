package promretry_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/metrics/metricstest"
	"github.com/nexpay-go/resilience/promretry"
)

var inPrometheus = flag.Bool("prometheus", false, "start the Prometheus that is installed, have it scrape, and ask it what the dashboard asks; 15 s")

// A real Prometheus that scrapes has an answer to every query of the dashboard.
func TestDashboardInPrometheus(t *testing.T) {
	if !*inPrometheus {
		t.Skip("takes a Prometheus and 15 s: -prometheus")
	}
	m, registry := newMetrics(t, promretry.Config{})
	metricstest.Scene(t, m)
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer server.Close()
	api := startPrometheus(t, strings.TrimPrefix(server.URL, "http://"))
	require.Eventually(t, func() bool { return slices.Equal(ask(t, api, "up"), []string{"1"}) }, 30*time.Second, 200*time.Millisecond)
	for range 20 { // so that rates have something to tell
		time.Sleep(200 * time.Millisecond)
		metricstest.Scene(t, m)
	}
	time.Sleep(500 * time.Millisecond)
	variables := strings.NewReplacer("$__rate_interval", "3s", "$__range", "10s", "$operation", ".*")
	for _, q := range dashboard(t) {
		values := ask(t, api, variables.Replace(q.expr))
		require.NotEmpty(t, values, q.title)
		require.NotContains(t, values, "NaN", q.title)
		t.Log(q.title, values)
	}
	require.NotEqual(t, []string{"0"}, ask(t, api, "sum(increase(resilience_payments_undecided_total[10s]))"))
}

// startPrometheus returns the address of a Prometheus that scrapes target.
func startPrometheus(t *testing.T, target string) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil,
		"global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs: [{job_name: pay, static_configs: [{targets: [%q]}]}]\n", target), 0o600))
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "prometheus", "--config.file="+config, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+address, "--log.level=error")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { stop(); _ = cmd.Wait() })
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, 10*time.Second, 50*time.Millisecond)
	return "http://" + address
}

// ask returns the values that a query has now.
func ask(t *testing.T, api, query string) (values []string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(api + "/api/v1/query?query=" + url.QueryEscape(query))
	require.NoError(t, err)
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []struct{ Value [2]any } }
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
	require.Equal(t, "success", answer.Status, "%s: %s", query, answer.Error)
	for _, r := range answer.Data.Result {
		values = append(values, r.Value[1].(string))
	}
	return values
}
