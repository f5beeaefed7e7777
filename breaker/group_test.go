package breaker_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

// What was used least recently goes, closed ones first and isolated ones last.
func TestGroupForgets(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(open, isolated, closed *breaker.Breaker)
		kept   []string
	}{
		"all closed": {func(_, _, _ *breaker.Breaker) {}, []string{"b", "c"}},
		"one open":   {func(a, _, _ *breaker.Breaker) { report(a, breaker.Trip) }, []string{"a", "c"}},
		"two open":   {func(a, b, _ *breaker.Breaker) { report(a, breaker.Trip); report(b, breaker.Trip) }, []string{"a", "b"}},
		"all open": {func(a, b, c *breaker.Breaker) {
			report(a, breaker.Trip)
			report(b, breaker.Trip)
			report(c, breaker.Trip)
		}, []string{"b", "c"}},
		"one isolated": {func(a, b, c *breaker.Breaker) { a.Isolate(""); report(b, breaker.Trip); report(c, breaker.Trip) }, []string{"a", "c"}},
		"all isolated": {func(a, b, c *breaker.Breaker) { a.Isolate(""); b.Isolate(""); c.Isolate("") }, []string{"b", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := breaker.NewGroup(breaker.Config{}, 3)
			require.NoError(t, err)
			a, b, c := g.Get("a"), g.Get("b"), g.Get("c")
			tt.change(a, b, c)
			g.Get("d")
			require.Equal(t, append(tt.kept, "d"), names(g))
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

// Against the plainest model of a bounded memory: names in the order of their use.
func TestGroupAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 5).Draw(t, "max")
		g, err := breaker.NewGroup(breaker.Config{}, most)
		require.NoError(t, err)
		var used []string
		known := map[string]*breaker.Breaker{}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			name := rapid.StringMatching("[a-h]").Draw(t, "name")
			b := g.Get(name)
			if old, ok := known[name]; ok && old != b || !ok && slices.Contains(slices.Collect(maps.Values(known)), b) {
				t.Fatalf("%s: another breaker", name)
			}
			used = append(slices.DeleteFunc(used, func(s string) bool { return s == name }), name)
			known[name] = b
			if len(used) > most {
				delete(known, used[0])
				used = used[1:]
			}
			require.Equal(t, slices.Sorted(slices.Values(used)), names(g))
		}
	})
}

func TestGroupIsSafeForConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := breaker.NewGroup(breaker.Config{}, 5)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 500 {
					b := g.Get(fmt.Sprint((i + j) % 7))
					report(b, breaker.Outcome(1+j%4))
					for range g.All() {
					}
				}
			})
		}
		wg.Wait()
		require.Len(t, names(g), 5)
	})
}
