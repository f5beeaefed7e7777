package main

import (
	"fmt"
	"io"
	"slices"
	"testing"
)

// A result has the measurements of one library in a case.
type result struct {
	times         []float64 // nanoseconds of one call, one for each round
	allocs, bytes int64
}

func (r *result) add(b testing.BenchmarkResult) {
	r.times = append(r.times, float64(b.T.Nanoseconds())/float64(b.N))
	r.allocs, r.bytes = b.AllocsPerOp(), b.AllocedBytesPerOp()
}

// median returns the median of the times.
func (r *result) median() float64 {
	sorted := slices.Sorted(slices.Values(r.times))
	return sorted[len(sorted)/2]
}

// spread returns half the distance between the quartiles, as a share of the median.
func (r *result) spread() float64 {
	sorted := slices.Sorted(slices.Values(r.times))
	n := len(sorted)
	return (sorted[3*n/4] - sorted[n/4]) / 2 / r.median()
}

// A report prints the tables.
type report struct {
	out      io.Writer
	markdown bool
}

// print prints the table of a case. The ratios compare the first of its ways with the
// others.
func (p report) print(c benchmark, results []result) {
	first := results[0].median()
	if p.markdown {
		fmt.Fprintf(p.out, "| %s | used as | time | ± | ours is | allocations | bytes |\n| --- | --- | ---:| ---:| ---:| ---:| ---:|\n", c.name)
	} else {
		fmt.Fprintf(p.out, "%s\n", c.name)
	}
	for i, w := range c.ways {
		r := &results[i]
		ratio := fmt.Sprintf("%.2f ×", first/r.median())
		if i == 0 {
			ratio = ""
		}
		format := "  %-44s %-5s %8.0f ns ±%2.0f %% %8s %4d allocs %5d B\n"
		if p.markdown {
			format = "| %s | %s | %.0f ns | %.0f %% | %s | %d | %d |\n"
		}
		fmt.Fprintf(p.out, format, w.name, w.kind, r.median(), 100*r.spread(), ratio, r.allocs, r.bytes)
	}
	fmt.Fprintln(p.out)
}
