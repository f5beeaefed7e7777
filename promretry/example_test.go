package promretry_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/promretry"
	"github.com/nexpay-go/resilience/retry"
)

// A call that the API answers with a locked key, and what Prometheus sees of it.
func Example() {
	registry := prometheus.NewRegistry()
	r, err := measured(retry.Config{Key: "main"}, registry)
	if err != nil {
		fmt.Println(err)
		return
	}
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	_ = retry.Do(context.Background(), r, func(context.Context) error {
		return &classify.Error{Status: 403, Details: []classify.Detail{{Code: "100"}}}
	}, retry.Named("balance"))

	page := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for lines := bufio.NewScanner(page.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "resilience_lockout") || strings.HasPrefix(lines.Text(), "resilience_call_duration_seconds_count") {
			fmt.Println(lines.Text())
		}
	}
	// Output:
	// resilience_call_duration_seconds_count{endpoint="",error_type="API key locked",operation="balance",outcome="fatal"} 1
	// resilience_lockout_locked{error_type="API key locked",key="main"} 1
}

// measured returns a Retrier whose calls and state are measured.
func measured(cfg retry.Config, registry prometheus.Registerer) (*retry.Retrier, error) {
	m, err := promretry.New(promretry.Config{Registerer: registry}) // nil: the default one
	if err != nil {
		return nil, err
	}
	m.Attach(&cfg) // calls, attempts, payments
	r, err := retry.New(cfg)
	if err != nil {
		return nil, err
	}
	m.Watch(r) // breakers, budget, lanes, lockout
	return r, nil
}
