package main

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each library does in each case what the case is about: no more and no fewer sends,
// and the end that it is to come to.
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
					require.Equal(t, c.sends, sends)
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
