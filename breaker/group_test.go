package breaker_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

func TestZeroGroup(t *testing.T) {
	var g breaker.Group
	payments := g.Get("payments")
	require.Same(t, payments, g.Get("payments"))
	require.NotSame(t, payments, g.Get("status"))
	require.Equal(t, "payments", payments.Name())
	require.Empty(t, g.Get("").Name())
	report(payments, breaker.Trip)
	require.Equal(t, breaker.Open, payments.State())
	require.Equal(t, breaker.Closed, g.Get("status").State())

	for i := range 2000 {
		g.Get(fmt.Sprint(i))
	}
	require.Len(t, maps.Collect(g.All()), 1000)
	require.Same(t, payments, g.Get("payments"), "open, so the others went first")
}

func TestNewGroup(t *testing.T) {
	_, err := breaker.NewGroup(breaker.Config{Probes: -1, FailureRatio: 2}, -1)
	for _, fault := range []string{"Probes -1", "FailureRatio 2", "max -1 is not between 1 and 1000000"} {
		require.ErrorContains(t, err, fault)
	}
	_, err = breaker.NewGroup(breaker.Config{}, 1_000_001)
	require.Error(t, err)

	g, err := breaker.NewGroup(breaker.Config{Name: "nexpay", ConsecutiveFailures: 1}, 2)
	require.NoError(t, err)
	require.Equal(t, "nexpay payments", g.Get("payments").Name())
	require.Equal(t, "nexpay", g.Get("").Name())
	report(g.Get("payments"), breaker.Failure)
	require.Equal(t, breaker.Open, g.Get("payments").State(), "of the Config given")
}

// What was used least recently goes, unless it is open; what is isolated takes no
// place.
func TestGroupForgets(t *testing.T) {
	openFor := func(minutes ...time.Duration) func(a, b, c, d *breaker.Breaker) {
		return func(a, b, c, d *breaker.Breaker) {
			for i, b := range []*breaker.Breaker{a, b, c, d}[:len(minutes)] {
				l, err := b.Acquire()
				require.NoError(t, err)
				l.DoneWith(breaker.Trip, breaker.Cause{RetryAfter: minutes[i] * time.Minute})
			}
		}
	}
	for name, tt := range map[string]struct {
		change func(a, b, c, d *breaker.Breaker)
		kept   []string
	}{
		"all closed":   {openFor(), []string{"b", "c", "d"}},
		"one open":     {openFor(1), []string{"a", "c", "d"}},
		"two open":     {openFor(1, 1), []string{"a", "b", "d"}},
		"three open":   {openFor(2, 1, 3), []string{"a", "c", "d"}},
		"all open":     {openFor(3, 2, 1, 1), []string{"a", "b", "d"}},
		"one isolated": {func(a, _, _, _ *breaker.Breaker) { a.Isolate("") }, []string{"a", "b", "c", "d"}},
		"all isolated": {func(a, b, c, d *breaker.Breaker) { a.Isolate(""); b.Isolate(""); c.Isolate(""); d.Isolate("") },
			[]string{"a", "b", "c", "d"}},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := breaker.NewGroup(breaker.Config{}, 4)
			require.NoError(t, err)
			a, b, c, d := g.Get("a"), g.Get("b"), g.Get("c"), g.Get("d")
			tt.change(a, b, c, d)
			g.Get("e")
			require.Equal(t, append(tt.kept, "e"), names(g))
			report(a, breaker.Success) // a forgotten one is still a breaker
		})
	}
}

func names(g *breaker.Group) []string {
	var names []string
	for name := range g.All() {
		names = append(names, name)
	}
	return names
}

func TestGroupNamesAreCleaned(t *testing.T) {
	var g breaker.Group
	require.Same(t, g.Get("a\x00b"), g.Get("ab"))
	require.Len(t, g.Get(strings.Repeat("x", 1<<20)).Name(), 256)
	for range g.All() {
		break
	}
}

// Many at once ask for, open, isolate, reset and look at more breakers than there is
// room for.
func TestGroupIsSafeForConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := breaker.NewGroup(breaker.Config{}, 5)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 500 {
					b := g.Get(fmt.Sprint((i + j) % 11))
					report(b, breaker.Outcome(1+j%4))
					switch j % 50 {
					case 0:
						time.Sleep(12 * time.Second)
					case 1:
						b.Isolate("")
					case 2:
						b.Reset()
					}
					for range g.All() {
					}
				}
			})
		}
		wg.Wait()
		for _, b := range g.All() {
			b.Reset()
		}
		for i := range 20 {
			g.Get(fmt.Sprint(i))
		}
		require.Len(t, names(g), 5)
	})
}
