package otelretry

import (
	"context"

	"go.opentelemetry.io/otel/metric"

	"github.com/nexpay-go/resilience/internal/metrics"
)

// A binder returns a function that records into the series of the option.
type binder func(metric.MeasurementOption) metrics.Measure

// A builder makes the instruments of Metrics.
type builder struct {
	*Metrics
	meter       metric.Meter
	synchronous map[*metrics.Instrument]binder
	observed    []metric.Observable
	errs        []error
}

func (b *builder) add(in *metrics.Instrument) {
	switch {
	case in.Kind == metrics.Histogram:
		b.histogram(in)
	case in.Kind == metrics.Counter:
		c, err := b.meter.Int64Counter(in.Name, metric.WithUnit(in.Unit), metric.WithDescription(in.Help))
		b.adder(in, c, err)
	case in.Kind == metrics.UpDown:
		c, err := b.meter.Int64UpDownCounter(in.Name, metric.WithUnit(in.Unit), metric.WithDescription(in.Help))
		b.adder(in, c, err)
	case in.Unit == "s":
		g, err := b.meter.Float64ObservableGauge(in.Name, metric.WithUnit(in.Unit), metric.WithDescription(in.Help))
		b.observes(in, g, err, func(to metric.Observer, v float64, o metric.ObserveOption) { to.ObserveFloat64(g, v, o) })
	case in.Kind == metrics.ObservedGauge:
		g, err := b.meter.Int64ObservableGauge(in.Name, metric.WithUnit(in.Unit), metric.WithDescription(in.Help))
		b.observes(in, g, err, func(to metric.Observer, v float64, o metric.ObserveOption) { to.ObserveInt64(g, int64(v), o) })
	default:
		c, err := b.meter.Int64ObservableCounter(in.Name, metric.WithUnit(in.Unit), metric.WithDescription(in.Help))
		b.observes(in, c, err, func(to metric.Observer, v float64, o metric.ObserveOption) { to.ObserveInt64(c, int64(v), o) })
	}
}

func (b *builder) histogram(in *metrics.Instrument) {
	h, err := b.meter.Float64Histogram(in.Name, metric.WithUnit(in.Unit), metric.WithDescription(in.Help),
		metric.WithExplicitBucketBoundaries(metrics.Buckets()...))
	b.failed(err)
	b.synchronous[in] = func(o metric.MeasurementOption) metrics.Measure {
		opts := []metric.RecordOption{o} // made once, so that to record allocates nothing
		return func(ctx context.Context, v float64) {
			if h.Enabled(ctx) { // false where a view drops it: the SDK would look at the attributes all the same
				h.Record(ctx, v, opts...)
			}
		}
	}
}

func (b *builder) adder(in *metrics.Instrument, c interface {
	Add(context.Context, int64, ...metric.AddOption)
}, err error) {
	b.failed(err)
	b.synchronous[in] = func(o metric.MeasurementOption) metrics.Measure {
		opts := []metric.AddOption{o}
		return func(ctx context.Context, v float64) { c.Add(ctx, int64(v), opts...) }
	}
}

func (b *builder) observes(in *metrics.Instrument, o metric.Observable, err error, observe func(metric.Observer, float64, metric.ObserveOption)) {
	b.failed(err)
	b.observed = append(b.observed, o)
	b.observe[in] = func(to metric.Observer, s metrics.Sample) {
		observe(to, s.Value, metric.WithAttributeSet(b.set(in, in.Values(s.Labels))))
	}
}

func (b *builder) failed(err error) {
	if err != nil {
		b.errs = append(b.errs, err)
	}
}
