package otelretry_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/otelretry"
	"github.com/nexpay-go/resilience/retry"
)

// A call that the API answers with a locked key, and what is collected of it.
func Example() {
	reader := metric.NewManualReader() // a program has one that exports
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	m, err := otelretry.New(otelretry.Config{MeterProvider: provider})
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := retry.Config{Key: "main"}
	m.Attach(&cfg)
	r, err := retry.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	m.Watch(r)

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
	// resilience.budget.tokens  100
	// resilience.lockout.locked error.type=API key locked,key=main 1
}
