package otelretry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/nexpay-go/resilience/internal/metrics"
	"github.com/nexpay-go/resilience/retry"
)

// scope is the name of the instrumentation.
const scope = "github.com/nexpay-go/resilience/otelretry"

// Config says where the metrics go. The zero Config is ready to use.
type Config struct {
	// MeterProvider takes the metrics. Nil: otel.GetMeterProvider().
	MeterProvider metric.MeterProvider

	// Attributes are added to each metric. If a program calls several APIs, each with its
	// own Metrics, add the name of the API. They should have few values.
	Attributes []attribute.KeyValue

	// MaxSeries is the maximum number of attribute sets of each metric. Half of it is the
	// number of operations and endpoints that keep their names. Zero: 200; from 100 to
	// 10,000. The SDK has its own limit, 2000 by default.
	MaxSeries int
}

// Metrics are the metrics of the Retriers that it is attached to. It is safe for
// concurrent use.
type Metrics struct {
	recorder *metrics.Recorder
	watcher  *metrics.Watcher
	always   []attribute.KeyValue
	observe  map[*metrics.Instrument]func(metric.Observer, metrics.Sample)
	read     metric.Registration
}

// New makes the instruments. One Metrics serves all Retriers. A second one with the same
// MeterProvider needs other Attributes, or both would report the same series. The error lists
// everything that is wrong with cfg, or that the MeterProvider refuses.
func New(cfg Config) (*Metrics, error) {
	if err := metrics.CheckSeries(cfg.MaxSeries); err != nil {
		return nil, fmt.Errorf("otelretry: %w", err)
	}
	if cfg.MeterProvider == nil {
		cfg.MeterProvider = otel.GetMeterProvider()
	}
	m := &Metrics{
		watcher: metrics.NewWatcher(cfg.MaxSeries),
		always:  slices.Clone(cfg.Attributes),
		observe: make(map[*metrics.Instrument]func(metric.Observer, metrics.Sample)),
	}
	b := &builder{Metrics: m, meter: cfg.MeterProvider.Meter(scope), synchronous: make(map[*metrics.Instrument]binder)}
	for _, in := range metrics.All() {
		b.add(in)
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, fmt.Errorf("otelretry: %w", err)
	}
	var err error
	if m.read, err = b.meter.RegisterCallback(m.collect, b.observed...); err != nil {
		return nil, fmt.Errorf("otelretry: %w", err)
	}
	m.recorder = metrics.NewRecorder(cfg.MaxSeries, func(in *metrics.Instrument, values []string) metrics.Measure {
		return b.synchronous[in](metric.WithAttributeSet(m.set(in, values)))
	})
	return m, nil
}

// Attach measures the calls of a Retrier that is then made with cfg: it adds functions to
// those in OnCall, OnAttempt and OnEvent.
func (m *Metrics) Attach(cfg *retry.Config) { m.recorder.Attach(cfg, onSpan) }

// Watch collects the state of r's breakers, budget, lanes, lockout and journal, and its
// unknown codes, until stop is called. What several Retriers share counts once, even if one
// replaces another. Nil is ignored.
func (m *Metrics) Watch(r *retry.Retrier) (stop func()) { return m.watcher.Watch(r) }

// Close stops watching all Retriers. The calls of Retriers that the metrics are attached to
// are measured as before.
func (m *Metrics) Close() error { return m.read.Unregister() }

// set returns the attributes of one series. Empty ones are left out: each attribute costs a
// call about 20 ns in the SDK.
func (m *Metrics) set(in *metrics.Instrument, values []string) attribute.Set {
	kvs := slices.Clone(m.always)
	for i, v := range values {
		if v != "" {
			kvs = append(kvs, attribute.String(in.Labels[i], v))
		}
	}
	return attribute.NewSet(kvs...)
}

// collect is called by the SDK when metrics are collected.
func (m *Metrics) collect(_ context.Context, to metric.Observer) error {
	for _, s := range m.watcher.Read() {
		m.observe[s.In](to, s)
	}
	return nil
}
