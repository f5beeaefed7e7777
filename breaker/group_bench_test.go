package breaker_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

var sizes = []int{10, 10_000, 100_000}

// shuffled are names in an order that a processor's caches do not guess.
func shuffled(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("host-%d.example", i*7919%n)
	}
	return names
}

func bigGroup(tb testing.TB, n, max int) (*breaker.Group, []string) {
	tb.Helper()
	g, err := breaker.NewGroup(breaker.Config{OpenFor: 24 * time.Hour}, max)
	require.NoError(tb, err)
	names := shuffled(n)
	for _, name := range names {
		g.Get(name)
	}
	return g, names
}

// BenchmarkGroupGet is what a Get costs where all that is asked for is there, all
// names equally often, or a few of them.
func BenchmarkGroupGet(b *testing.B) {
	for _, n := range sizes {
		for _, full := range []bool{false, true} {
			for _, few := range []bool{true, false} {
				most := 2 * n
				if full {
					most = n
				}
				g, names := bigGroup(b, n, most)
				if few {
					names = names[:8]
				}
				b.Run(fmt.Sprintf("few=%v/full=%v/n=%d", few, full, n), func(b *testing.B) {
					b.ReportAllocs()
					for i := 0; b.Loop(); i++ {
						g.Get(names[i%len(names)])
					}
				})
			}
		}
	}
}

// BenchmarkMapGet is the least that BenchmarkGroupGet can cost.
func BenchmarkMapGet(b *testing.B) {
	for _, n := range sizes {
		var mu sync.Mutex
		m, names := map[string]*breaker.Breaker{}, shuffled(n)
		for _, name := range names {
			m[name] = newBreaker(b, breaker.Config{})
		}
		var sink *breaker.Breaker
		for _, few := range []bool{true, false} {
			if few {
				names = names[:8]
			} else {
				names = shuffled(n)
			}
			b.Run(fmt.Sprintf("few=%v/n=%d", few, n), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					mu.Lock()
					sink = m[names[i%len(names)]]
					mu.Unlock()
				}
			})
		}
		_ = sink
	}
}

// BenchmarkGroupGetNew is what a Get costs that makes another one be forgotten, with
// none or half of the others open, or all.
func BenchmarkGroupGetNew(b *testing.B) {
	for _, n := range sizes {
		for _, open := range []int{0, n / 2, n} {
			b.Run(fmt.Sprintf("open=%d%%/n=%d", 100*open/n, n), func(b *testing.B) {
				g, names := bigGroup(b, n, n)
				for _, name := range names[:open] {
					report(g.Get(name), breaker.Trip)
				}
				fresh := make([]string, 3*n)
				for i := range fresh {
					fresh[i] = fmt.Sprint("new-", i)
				}
				g.Get("first")
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					g.Get(fresh[i%len(fresh)])
				}
			})
		}
	}
}

// BenchmarkGroupFirst is the one Get that meets all the open ones.
func BenchmarkGroupFirst(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				g, names := bigGroup(b, n, n)
				for _, name := range names {
					report(g.Get(name), breaker.Trip)
				}
				b.StartTimer()
				g.Get("new")
			}
		})
	}
}
