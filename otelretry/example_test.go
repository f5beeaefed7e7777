package otelretry_test

import (
	"context"
	"fmt"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/otelretry"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// A call that the API answers with a locked key, and what is collected of it.
func Example() {
	reader := sdkmetric.NewManualReader() // a program has one that exports
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	r, err := measured(retry.Config{Key: "main"}, provider)
	if err != nil {
		fmt.Println(err)
		return
	}

	_ = retry.Do(context.Background(), r, func(context.Context) error {
		return &classify.Error{Status: 403, Details: []classify.Detail{{Code: "100"}}}
	}, retry.Named("balance"))

	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		fmt.Println(err)
		return
	}
	for _, metric := range all.ScopeMetrics[0].Metrics {
		switch data := metric.Data.(type) {
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				fmt.Println(metric.Name, p.Attributes.Encoded(attribute.DefaultEncoder()), p.Count)
			}
		case metricdata.Gauge[int64]:
			for _, p := range data.DataPoints {
				fmt.Println(metric.Name, p.Attributes.Encoded(attribute.DefaultEncoder()), p.Value)
			}
		}
	}
	// Output:
	// resilience.call.duration error.type=API key locked,operation=balance,outcome=fatal 1
	// resilience.attempt.duration error.type=API key locked,operation=balance 1
	// resilience.journal.failing  0
	// resilience.budget.tokens  100
	// resilience.lockout.locked error.type=API key locked,key=main 1
}

// measured returns a Retrier whose calls and state are measured.
func measured(cfg retry.Config, provider metric.MeterProvider) (*retry.Retrier, error) {
	m, err := otelretry.New(otelretry.Config{MeterProvider: provider}) // nil: the global one
	if err != nil {
		return nil, err
	}
	m.Attach(&cfg) // calls, attempts, payments; events on the caller's span
	r, err := retry.New(cfg)
	if err != nil {
		return nil, err
	}
	m.Watch(r) // breakers, budget, lanes, lockout
	return r, nil
}

// traced returns a client with a span for each send, which tells the number of the resend.
func traced(r *retry.Retrier, spans trace.TracerProvider) *http.Client {
	return &http.Client{Transport: &retryhttp.Transport{
		Retrier: r,
		Base:    otelhttp.NewTransport(otelretry.Transport(nil), otelhttp.WithTracerProvider(spans)),
	}}
}
