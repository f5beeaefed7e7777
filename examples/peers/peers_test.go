package main

import (
	"context"
	"flag"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/programtest"
)

// Each library does in each case what the case requires: the number of sends, and whether
// the call fails.
func TestEachDoesWhatItsCaseIs(t *testing.T) {
	for _, c := range benchmarks() {
		for _, w := range c.ways {
			t.Run(c.name+"/"+w.name, func(t *testing.T) {
				call, err := w.make()
				require.NoError(t, err)
				op, sends := c.script(), 0
				for range 3 {
					sends = 0
					_, err = call(t.Context(), func(ctx context.Context) (int, error) {
						sends++
						return op(ctx)
					})
					require.Equal(t, c.fails, err != nil, "%v", err)
					if c.sends != unseen {
						require.Equal(t, c.sends, sends)
					}
				}
			})
		}
	}
}

func Benchmark(b *testing.B) {
	for _, c := range benchmarks() {
		for _, w := range c.ways {
			b.Run(strings.ReplaceAll(c.name+"/"+w.name, " ", "_"), c.loop(w))
		}
	}
}

func TestTables(t *testing.T) {
	before := flag.Lookup("test.benchtime").Value.String()
	defer func() { require.NoError(t, flag.Set("test.benchtime", before)) }()
	for _, args := range [][]string{{"-rounds", "1", "-each", "1ms"}, {"-rounds", "1", "-each", "1ms", "-markdown"}} {
		var out, log strings.Builder
		require.Zero(t, run(args, &out, &log), log.String())
		require.Empty(t, log.String())
		for _, c := range benchmarks() {
			require.Contains(t, out.String(), c.name)
			for _, w := range c.ways {
				require.Contains(t, out.String(), w.name)
			}
		}
	}
}

func TestMistakes(t *testing.T) {
	programtest.Mistakes(t, run, map[string]string{
		"-rounds 0": "rounds must be from 1 to 1000",
		"-each 1ns": "each at least 1ms",
	})
}

// The figures are the median and the distance of the quartiles from it.
func TestResult(t *testing.T) {
	r := result{times: []float64{100, 900, 110, 90, 95}}
	require.InDelta(t, 100, r.median(), 0)
	require.InDelta(t, 0.075, r.spread(), 0.001)
}
