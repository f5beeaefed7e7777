package promretry

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nexpay-go/resilience/internal/metrics"
	"github.com/nexpay-go/resilience/retry"
)

// Config says where the metrics go. The zero Config is ready to use.
type Config struct {
	// Registerer takes the metrics. Nil: prometheus.DefaultRegisterer. If a program calls
	// several APIs, give each its own Metrics with
	// prometheus.WrapRegistererWith(prometheus.Labels{"api": "nexpay"}, registry).
	Registerer prometheus.Registerer

	// MaxSeries is the maximum number of label sets of each metric. Half of it is the number
	// of operations and endpoints that keep their names. Zero: 200; from 100 to 10,000.
	MaxSeries int
}

// Metrics are the metrics of the Retriers that it is attached to. It is safe for
// concurrent use.
type Metrics struct {
	registerer prometheus.Registerer
	recorder   *metrics.Recorder
	watcher    *metrics.Watcher
	vectors    map[*metrics.Instrument]vector
	observed   map[*metrics.Instrument]*prometheus.Desc
}

// A vector holds the series of one metric.
type vector struct {
	prometheus.Collector
	measure func(values []string) metrics.Measure
}

// New registers the metrics. One Metrics serves all Retriers. The error lists everything
// that is wrong with cfg, or is the error of the Registerer: a
// prometheus.AlreadyRegisteredError if it has the metrics of another New.
func New(cfg Config) (*Metrics, error) {
	if err := metrics.CheckSeries(cfg.MaxSeries); err != nil {
		return nil, fmt.Errorf("promretry: %w", err)
	}
	if cfg.Registerer == nil {
		cfg.Registerer = prometheus.DefaultRegisterer
	}
	m := &Metrics{
		registerer: cfg.Registerer,
		watcher:    metrics.NewWatcher(cfg.MaxSeries),
		vectors:    make(map[*metrics.Instrument]vector),
		observed:   make(map[*metrics.Instrument]*prometheus.Desc),
	}
	for _, in := range metrics.All() {
		if in.Observed() {
			m.observed[in] = prometheus.NewDesc(in.Prometheus(), in.Help, labels(in), nil)
		} else {
			m.vectors[in] = newVector(in)
		}
	}
	m.recorder = metrics.NewRecorder(cfg.MaxSeries, func(in *metrics.Instrument, values []string) metrics.Measure {
		return m.vectors[in].measure(values)
	})
	if err := cfg.Registerer.Register(collector{m}); err != nil {
		return nil, fmt.Errorf("promretry: %w", err)
	}
	return m, nil
}

func labels(in *metrics.Instrument) []string {
	names := make([]string, len(in.Labels))
	for i, l := range in.Labels {
		names[i] = metrics.PrometheusLabel(l)
	}
	return names
}

func newVector(in *metrics.Instrument) vector {
	opts := prometheus.Opts{Name: in.Prometheus(), Help: in.Help}
	switch in.Kind {
	case metrics.Histogram:
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: opts.Name, Help: opts.Help, Buckets: metrics.Buckets()}, labels(in))
		return vector{v, func(values []string) metrics.Measure {
			s := v.WithLabelValues(values...)
			return func(_ context.Context, x float64) { s.Observe(x) }
		}}
	case metrics.UpDown:
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts(opts), labels(in))
		return vector{v, func(values []string) metrics.Measure {
			s := v.WithLabelValues(values...)
			return func(_ context.Context, x float64) { s.Add(x) }
		}}
	}
	v := prometheus.NewCounterVec(prometheus.CounterOpts(opts), labels(in))
	return vector{v, func(values []string) metrics.Measure {
		s := v.WithLabelValues(values...)
		return func(_ context.Context, x float64) { s.Add(x) }
	}}
}

// Attach has the calls of a Retrier that is made of cfg measured: it puts functions
// beside what is in OnCall, OnAttempt and OnEvent.
func (m *Metrics) Attach(cfg *retry.Config) { m.recorder.Attach(cfg, nil) }

// Watch adds the state of r's breakers, budget, lanes, lockout and journal, and its unknown
// codes, to each scrape until stop is called. What several Retriers share counts once, even
// if one replaces another. Nil is ignored.
func (m *Metrics) Watch(r *retry.Retrier) (stop func()) { return m.watcher.Watch(r) }

// Close unregisters the metrics. Retriers that they are attached to continue to work.
func (m *Metrics) Close() error {
	if !m.registerer.Unregister(collector{m}) {
		return errors.New("promretry: Close: the metrics are not registered, was it closed before?")
	}
	return nil
}

// A collector is the Metrics for the Registerer: their users need not see it.
type collector struct{ *Metrics }

// Describe sends the descriptions of all metrics.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, v := range c.vectors {
		v.Describe(to)
	}
	for _, d := range c.observed {
		to <- d
	}
}

// Collect sends all metrics as they are now.
func (c collector) Collect(to chan<- prometheus.Metric) {
	for _, v := range c.vectors {
		v.Collect(to)
	}
	for _, s := range c.watcher.Read() {
		kind := prometheus.GaugeValue
		if s.In.Kind == metrics.ObservedCounter {
			kind = prometheus.CounterValue
		}
		metric, err := prometheus.NewConstMetric(c.observed[s.In], kind, s.Value, s.In.Values(s.Labels)...)
		if err != nil {
			metric = prometheus.NewInvalidMetric(c.observed[s.In], err)
		}
		to <- metric
	}
}
