package main

import (
	"slices"
	"time"
)

// figures are one row of the first table.
type figures struct {
	perSecond  float64 // operations that succeeded
	sends      float64 // per operation
	code50     float64 // share of the sends that were refused with code 50
	operations int
	failed     int
	p50, p99   time.Duration // from the call to its return, all operations
	onTheWire  time.Duration // mean duration of an accepted request
	refused    int
}

// sum adds up what all callers counted in that time.
func sum(all []*caller, length time.Duration) (f figures) {
	var sends, refused int
	var onTheWire time.Duration
	var latencies []time.Duration
	for _, c := range all {
		f.operations += c.operations
		f.failed += c.failed
		sends += c.sends
		refused += c.refused
		onTheWire += c.onTheWire
		latencies = append(latencies, c.latencies...)
	}
	f.refused = refused
	f.perSecond = float64(f.operations-f.failed) / length.Seconds()
	if f.operations == 0 {
		return f
	}
	f.sends = float64(sends) / float64(f.operations)
	f.code50 = share(refused, sends)
	if accepted := sends - refused; accepted > 0 {
		f.onTheWire = onTheWire / time.Duration(accepted)
	}
	slices.Sort(latencies)
	f.p50, f.p99 = quantile(latencies, 50), quantile(latencies, 99)
	return f
}

// share returns n as a share of of.
func share(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

// quantile returns the smallest value that at least percent of the values do not
// exceed.
func quantile(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)*percent+99)/100-1]
}
