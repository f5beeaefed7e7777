package breaker_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// gone is what has become of endpoints that nobody asks for any more.
var gone = []struct {
	name string
	do   func(b *breaker.Breaker)
	wait time.Duration
}{
	{"gone a month ago", func(b *breaker.Breaker) { fails(b, 3) }, 30 * 24 * time.Hour},
	{"gone for as long as they are open", func(b *breaker.Breaker) { fails(b, 3) }, 12 * time.Second},
	{"gone, and then a probe hung", func(b *breaker.Breaker) {
		fails(b, 3)
		time.Sleep(12 * time.Second)
		_, _ = b.Acquire()
	}, time.Minute},
	{"open for an hour, as a server has asked", func(b *breaker.Breaker) {
		l, _ := b.Acquire()
		l.DoneWith(breaker.Trip, breaker.Cause{RetryAfter: time.Hour})
	}, time.Minute},
	{"isolated", func(b *breaker.Breaker) { b.Isolate("bank on fire") }, time.Minute},
	{"isolated after they were seen open", func(b *breaker.Breaker) { fails(b, 3); b.Isolate("") }, time.Minute},
}

func fails(b *breaker.Breaker, n int) {
	for range n {
		report(b, breaker.Failure)
	}
}

// Endpoints that nobody asks for any more, whatever state they are in, do not
// make those in use push each other out: a server that always fails opens its
// breaker.
func TestGroupSeesTheLiving(t *testing.T) {
	for _, tt := range gone {
		for _, n := range []int{5, 9, 10, 50} {
			t.Run(fmt.Sprintf("%s, %d of them", tt.name, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g, err := breaker.NewGroup(breaker.Config{ConsecutiveFailures: 3}, 10)
					require.NoError(t, err)
					for i := range n {
						tt.do(g.Get(fmt.Sprint("gone-", i)))
					}
					time.Sleep(tt.wait)
					sent := 0
					for range 1000 {
						report(g.Get("up"), breaker.Success)
						if l, err := g.Get("down").Acquire(); err == nil {
							l.Done(breaker.Failure)
							sent++
						}
					}
					require.Equal(t, 3, sent, "calls to the endpoint that is down")
				})
			})
		}
	}
}

// While at most half of the places are taken by breakers that do something,
// none of them goes, however many names come by.
func TestGroupKeepsWhatIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := breaker.NewGroup(breaker.Config{ConsecutiveFailures: 3, Probes: 3}, 10)
		require.NoError(t, err)
		probing := g.Get("probing")
		fails(probing, 3)
		time.Sleep(12 * time.Second)
		l, err := probing.Acquire()
		require.NoError(t, err)
		require.True(t, l.Probe())
		var kept []*breaker.Breaker
		for i := range 4 {
			kept = append(kept, g.Get(fmt.Sprint("open-", i)))
			fails(kept[i], 3)
		}
		for i := range 1000 {
			g.Get(fmt.Sprint("passing-", i))
		}
		require.Len(t, names(g), 10)
		require.Same(t, probing, g.Get("probing"), "or it would let everybody through while its probe is out")
		for i := range kept {
			require.Same(t, kept[i], g.Get(fmt.Sprint("open-", i)))
		}
		l.Done(breaker.Success)

		_, err = probing.Acquire()
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		for i := range 1000 {
			g.Get(fmt.Sprint("passing-", i))
		}
		require.Same(t, probing, g.Get("probing"), "its probe has just run out: it is open, though nobody has noticed")
	})
}

// Those that are isolated take no place, also if they are asked for all the time.
func TestGroupWithIsolatedOnesInUse(t *testing.T) {
	g, err := breaker.NewGroup(breaker.Config{ConsecutiveFailures: 3}, 3)
	require.NoError(t, err)
	sent := 0
	for range 100 {
		for i := range 20 {
			if b := g.Get(fmt.Sprint("isolated-", i)); b.State() == breaker.Closed {
				b.Isolate("")
			}
		}
		report(g.Get("up"), breaker.Success)
		if l, err := g.Get("down").Acquire(); err == nil {
			l.Done(breaker.Failure)
			sent++
		}
	}
	require.Equal(t, 3, sent)
}

// If more than half are open, the one whose open time is over first goes first. The
// other half of the places is for those that are asked for.
func TestGroupWithNothingButOpenOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := breaker.NewGroup(breaker.Config{}, 10)
		require.NoError(t, err)
		for i := range 10 {
			l, err := g.Get(fmt.Sprint(i)).Acquire()
			require.NoError(t, err)
			// 5, 6 … 9, 0 … 4 minutes more than an open time
			l.DoneWith(breaker.Trip, breaker.Cause{RetryAfter: time.Duration(1+(i+5)%10) * time.Minute})
		}
		for i := range 1000 {
			g.Get(fmt.Sprint("new-", i))
		}
		got := names(g)
		require.Len(t, got, 10)
		require.Equal(t, []string{"0", "1", "2", "3", "4"}, got[:5])
	})
}

// What becomes of a lease whose breaker was forgotten is nothing to the one that
// has taken its place.
func TestGroupForgetsUnderALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := breaker.NewGroup(breaker.Config{ConsecutiveFailures: 1, Probes: 1}, 1)
		require.NoError(t, err)
		old := g.Get("a")
		plain, err := old.Acquire()
		require.NoError(t, err)
		report(old, breaker.Failure)
		time.Sleep(12 * time.Second)
		probe, err := old.Acquire()
		require.NoError(t, err)
		require.True(t, probe.Probe())
		g.Get("b") // the only place
		again := g.Get("a")
		require.NotSame(t, old, again)
		plain.Done(breaker.Failure)
		probe.Done(breaker.Failure)
		require.Equal(t, breaker.Open, old.State())
		require.Equal(t, breaker.Closed, again.State())
	})
}

// An isolated breaker is a person's decision: it is there until it is reset, and
// is then one of the others.
func TestGroupNeverForgetsAnIsolatedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := breaker.NewGroup(breaker.Config{}, 3)
		require.NoError(t, err)
		var all []*breaker.Breaker
		for i := range 20 {
			all = append(all, g.Get(fmt.Sprint("isolated-", i)))
			all[i].Isolate("")
		}
		pass := func() {
			for i := range 100 {
				g.Get(fmt.Sprint(i))
			}
		}
		pass()
		require.Len(t, names(g), 23)
		for i, b := range all {
			require.Same(t, b, g.Get(fmt.Sprint("isolated-", i)))
		}
		for name, b := range g.All() { // all but one, and not by Get
			if name != "isolated-7" {
				b.Reset()
			}
		}
		pass()
		require.Len(t, names(g), 4)
		require.True(t, slices.Contains(names(g), "isolated-7"))
		all[7].Reset()
		require.Same(t, all[7], g.Get("isolated-7"), "counts as one of the three from now on")
		require.Len(t, names(g), 3)
	})
}

// However many are open, no Get looks at all of them: those are sorted out by and
// by, and what is too much meanwhile is little.
func TestGroupIsSortedOutByAndBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 2000
		g, err := breaker.NewGroup(breaker.Config{}, most)
		require.NoError(t, err)
		for i := range most {
			report(g.Get(fmt.Sprint(i)), breaker.Trip)
		}
		for i := range 50 {
			b := g.Get(fmt.Sprint("new-", i))
			require.LessOrEqual(t, len(names(g)), most+most/100)
			require.Same(t, b, g.Get(fmt.Sprint("new-", i)))
		}
		require.Len(t, names(g), most)
		stillOpen := 0
		for _, b := range g.All() {
			if b.State() == breaker.Open {
				stillOpen++
			}
		}
		require.Equal(t, most-50, stillOpen, "none went that need not")
	})
}
