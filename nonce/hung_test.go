package nonce_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/nonce"
)

const usual = 10 * time.Millisecond

// use has a turn of that length, as soon as it comes.
func use(t *testing.T, l *nonce.Lane, length time.Duration) {
	t.Helper()
	ticket := enter(t, l)
	time.Sleep(length)
	ticket.Leave()
}

// sentAway reports whether a caller with that much time left is sent away at once, and has it wait no longer than that.
func sentAway(t *testing.T, l *nonce.Lane, left time.Duration) bool {
	t.Helper()
	start := time.Now()
	ticket, err := enterWithin(l, left)
	if err == nil {
		ticket.Leave()
		return false
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)
	e, away := err.(*nonce.WaitError)
	if away {
		require.Zero(t, time.Since(start))
		require.Greater(t, e.Wait, left)
	}
	return away
}

// One turn, or a few, that hung say nothing about those to come: nobody is sent away whose turn comes in a moment.
func TestHungTurnsSendNobodyAway(t *testing.T) {
	const hang = 10 * time.Second
	for _, test := range []struct {
		name     string
		inFlight int
		before   int // usual turns
		hung     int // turns, after that
		after    int // usual turns that have ended since
	}{
		{"the first", 1, 0, 1, 8},
		{"the first, a moment later", 1, 0, 1, 20},
		{"the first, just now", 1, 0, 1, 0},
		{"in the middle", 1, 20, 1, 8},
		{"in the middle, just now", 1, 20, 1, 0},
		{"two in a row", 1, 20, 2, 1},
		{"four in a row", 1, 20, 4, 0},
		{"five in a row", 1, 20, 5, 4},
		{"many in a row", 1, 20, 30, 4},
		{"one of several in flight", 4, 0, 1, 8},
		{"one of several in flight, in the middle", 4, 20, 1, 3},
		{"all in flight", 4, 20, 4, 0},
		{"all of many in flight", 16, 20, 16, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLane(t, nonce.LaneConfig{InFlight: test.inFlight})
				var wg sync.WaitGroup
				queue := func(n int, length time.Duration) {
					for range n {
						wg.Go(func() { use(t, l, length) })
						synctest.Wait()
					}
				}
				queue(test.before, usual)
				queue(test.hung, hang)
				queue(test.after+40*test.inFlight, usual)
				for l.Stats().Turns < uint64(test.before+test.hung+test.after) {
					time.Sleep(usual / 4)
				}
				require.Positive(t, l.Stats().Waiting)
				require.False(t, sentAway(t, l, 50*usual))
				wg.Wait()
			})
		})
	}
}

// Where all turns take long, whoever has no chance learns it at once, from the fifth slow turn on; and when they are
// quick again, nobody is sent away after the fourth.
func TestSlowTurnsSendAwayWhoHasNoChance(t *testing.T) {
	for _, inFlight := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			const slow = time.Minute
			l := newLane(t, nonce.LaneConfig{InFlight: inFlight})
			var wg sync.WaitGroup
			lengths := make(chan time.Duration, 100) // of the turns to come
			set := func(n int, length time.Duration) {
				for range n {
					lengths <- length
				}
			}
			set(20, usual)
			set(10, slow)
			set(60, usual)
			for range cap(lengths) - 10 {
				wg.Go(func() {
					ticket := enter(t, l)
					time.Sleep(<-lengths)
					ticket.Leave()
				})
			}
			ended := func(turns uint64) {
				for l.Stats().Turns < turns {
					time.Sleep(usual / 4)
				}
			}
			const chance = 2 * time.Second // without a turn that is slow
			ended(8)
			require.False(t, sentAway(t, l, chance))
			ended(22)
			require.False(t, sentAway(t, l, chance), "two that were slow")
			ended(28)
			require.True(t, sentAway(t, l, chance), "all of the last ones were slow")
			ended(30 + 4)
			require.False(t, sentAway(t, l, chance), "it is over")
			wg.Wait()
		})
	}
}

// What a rush of callers took says nothing about the next one, an hour later or after turns for which nobody waited.
func TestAnotherRushIsMeasuredAnew(t *testing.T) {
	meanwhile := map[string]func(*nonce.Lane){
		"nothing for an hour": func(*nonce.Lane) { time.Sleep(time.Hour) },
		"usual turns, one by one": func(l *nonce.Lane) {
			for range 4 {
				use(t, l, usual)
			}
		},
	}
	for name, meanwhile := range meanwhile {
		for _, c := range []nonce.LaneConfig{{}, {InFlight: 4}, {Adaptive: true}} {
			t.Run(fmt.Sprintf("%s, InFlight %d, adaptive %v", name, c.InFlight, c.Adaptive), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := newLane(t, c)
					var wg sync.WaitGroup
					rush := func(n int, length time.Duration) {
						for range n {
							wg.Go(func() { use(t, l, length) })
						}
						synctest.Wait()
					}
					rush(100, time.Minute)
					time.Sleep(10 * time.Minute)
					require.True(t, sentAway(t, l, time.Second))
					wg.Wait()
					meanwhile(l)
					rush(60, usual)
					require.False(t, sentAway(t, l, 2*time.Second))
					wg.Wait()
				})
			})
		}
	}
}

// Who would be among the next to have a turn is not sent away: all those under way may be about to end.
func TestTurnsUnderWayMayEndAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{InFlight: 4})
		var wg sync.WaitGroup
		for range 5*4 + 3 {
			wg.Go(func() { use(t, l, time.Second) })
		}
		time.Sleep(4950 * time.Millisecond)
		require.Equal(t, 3, l.Stats().Waiting)
		require.False(t, sentAway(t, l, 200*time.Millisecond))
		wg.Wait()
	})
}

// Of those in the queue of an adaptive lane it is not said that they go as slowly as the first: while nothing is refused,
// there are more and more at once.
func TestAdaptiveLaneSendsNobodyAwayForItsSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{Adaptive: true})
		var wg sync.WaitGroup
		for range 2000 {
			wg.Go(func() { use(t, l, time.Second) })
		}
		for l.Stats().Turns < 8 {
			time.Sleep(time.Second / 4)
		}
		start := time.Now()
		ahead := l.Stats().Waiting
		ticket, err := enterWithin(l, 300*time.Second)
		require.NoError(t, err)
		took := time.Since(start)
		t.Logf("%d ahead: %v", ahead, took)
		ticket.Leave()
		wg.Wait()
	})
}

// Callers of all sorts on lanes where some turns hang: nearly everybody who was sent away would have waited in vain, and
// of those without a chance many are sent away.
func TestWhoIsSentAwayHadNoChance(t *testing.T) {
	for name, length := range map[string]func(*rand.Rand) time.Duration{
		"always the same": func(*rand.Rand) time.Duration { return usual },
		"exponential":     func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(usual)) },
		"of two kinds":    func(r *rand.Rand) time.Duration { return usual + usual*time.Duration(8*r.IntN(2)-4)/5 },
	} {
		for _, inFlight := range []int{1, 4} {
			synctest.Test(t, func(t *testing.T) {
				s := &senders{lane: newLane(t, nonce.LaneConfig{InFlight: inFlight})}
				random := rand.New(rand.NewPCG(1, 2))
				for i := range 4000 {
					load := []float64{1.2, 0.6}[i/500%2] // of what the lane can do
					time.Sleep(time.Duration(random.ExpFloat64() * float64(usual) / float64(inFlight) / load))
					took := length(random)
					if random.IntN(200) == 0 {
						took = 5 * time.Second
					}
					left := time.Duration(random.Int64N(int64(2 * time.Second)))
					s.Go(func() { s.call(t, took, left) })
				}
				s.Wait()
				t.Logf("%s, InFlight %d: %d sent away, %d of them wrongly; %d waited in vain", name, inFlight, s.away, s.wrong, s.vain)
				require.Greater(t, s.away*12, s.vain)
				require.LessOrEqual(t, s.wrong*20, s.away)
			})
		}
	}
}

type senders struct {
	sync.WaitGroup
	lane *nonce.Lane

	mu                sync.Mutex
	away, wrong, vain int
}

func (s *senders) call(t *testing.T, took, left time.Duration) {
	start := time.Now()
	ticket, err := enterWithin(s.lane, left)
	if err == nil {
		time.Sleep(took)
		ticket.Leave()
		return
	}
	if _, away := err.(*nonce.WaitError); !away {
		s.count(&s.vain)
		return
	}
	s.count(&s.away)
	ctx, cancel := context.WithTimeout(t.Context(), left)
	defer cancel()
	if ticket, err = nonce.EnterAllTheSame(ctx, s.lane); err == nil {
		ticket.Leave()
		if time.Since(start) < left {
			s.count(&s.wrong)
		}
	}
}

func (s *senders) count(n *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
}

// servedAfter has 32 callers load a lane, which after that time is disturbed, and returns how many calls are served in the
// half minute from the end of the disturbance on.
func servedAfter(t *testing.T, c nonce.LaneConfig, jitter, before time.Duration, disturb func(*network, *nonce.Lane)) (served int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(jitter, 1)
		l := newLane(t, c)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		load := func() {
			for range 32 {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							_ = n.call(context.Background(), l)
						}
					}
				})
			}
		}
		if before == 0 {
			time.AfterFunc(1, load) // with the disturbance ahead of it
		} else {
			load()
			time.Sleep(before)
		}
		disturb(n, l)
		from := n.accepted()
		time.Sleep(30 * time.Second)
		served = n.accepted() - from
		close(stop)
		wg.Wait()
	})
	return served
}

// What disturbed a lane for a minute is over when it is over.
func TestThroughputAfterHungTurns(t *testing.T) {
	nothing := func(*network, *nonce.Lane) {}
	oneHung := func(_ *network, l *nonce.Lane) { use(t, l, time.Minute) }
	allSlow := func(n *network, _ *nonce.Lane) {
		n.slowDown(5 * time.Second)
		time.Sleep(time.Minute)
		n.slowDown(0)
		time.Sleep(5 * time.Second) // what is on its way
	}
	for name, c := range map[string]nonce.LaneConfig{"InFlight 1": {}, "InFlight 4": {InFlight: 4}, "adaptive": {Adaptive: true}} {
		for _, jitter := range []time.Duration{0, 5 * time.Millisecond} {
			if jitter == 0 && !long.Tests() {
				continue
			}
			t.Run(name+", jitter "+jitter.String(), func(t *testing.T) {
				fresh := float64(servedAfter(t, c, jitter, 0, nothing))
				warm := float64(servedAfter(t, c, jitter, time.Minute, nothing))
				first := float64(servedAfter(t, c, jitter, 0, oneHung)) / fresh
				middle := float64(servedAfter(t, c, jitter, time.Minute, oneHung)) / warm
				slow := float64(servedAfter(t, c, jitter, time.Minute, allSlow)) / min(fresh, warm)
				t.Logf("%.0f and %.0f calls; one hung: %.2f times as many after the first, %.2f in the middle; all slow: %.2f", fresh, warm, first, middle, slow)
				for _, ratio := range []float64{first, middle, slow} {
					require.Greater(t, ratio, 0.75)
				}
			})
		}
	}
}
