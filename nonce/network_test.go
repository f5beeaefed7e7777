package nonce_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/nonce"
)

var errCode50 = errors.New("code 50")

// A network carries requests to an API that wants rising nonces, and the answers back: each way takes base and an
// exponential share of jitter, so that requests overtake each other.
type network struct {
	base, jitter, service time.Duration

	mu              sync.Mutex
	random          *rand.Rand
	slow            time.Duration // each way, for a while
	highest         uint64        // nonce accepted
	served, refused int
}

func newNetwork(jitter time.Duration, seed uint64) *network {
	return &network{base: 5 * time.Millisecond, jitter: jitter, service: 20 * time.Millisecond, random: rand.New(rand.NewPCG(seed, 1))}
}

func (n *network) way() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.base + n.slow + time.Duration(n.random.ExpFloat64()*float64(n.jitter))
}

func (n *network) send(nonce uint64) error {
	there, back := n.way(), n.way()
	time.Sleep(there)
	err := n.accept(nonce)
	if err == nil {
		time.Sleep(n.service)
	}
	time.Sleep(back)
	return err
}

func (n *network) accept(nonce uint64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if nonce <= n.highest {
		n.refused++
		return errCode50
	}
	n.highest = nonce
	n.served++
	return nil
}

// call is what the engine does with a lane: up to three sends in a turn, and the lane is told of the last refusal too.
func (n *network) call(ctx context.Context, s nonce.Source) error {
	ticket, err := s.Enter(ctx)
	if err != nil {
		return err
	}
	defer ticket.Leave()
	for range 3 {
		if err := n.send(ticket.Nonce()); err == nil {
			return nil
		}
		if ticket, err = ticket.Resync(ctx); err != nil {
			return err
		}
	}
	return errCode50
}

// load has callers who call one after the other for so long, and returns how many calls failed.
func (n *network) load(s nonce.Source, callers int, d time.Duration) (failed int) {
	end := time.Now().Add(d)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range callers {
		wg.Go(func() {
			for time.Now().Before(end) {
				if err := n.call(context.Background(), s); err != nil {
					mu.Lock()
					failed++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return failed
}

// throughput returns calls per second and the share of sends that were refused, on a network of that jitter.
func throughput(t *testing.T, c nonce.LaneConfig, jitter time.Duration, seed uint64) (perSecond, refused float64) {
	t.Helper()
	minutes := time.Duration(2)
	if jitter >= 20*time.Millisecond { // few calls, and much chance
		minutes = 5
	}
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(jitter, seed)
		l := newLane(t, c)
		require.Zero(t, n.load(l, 32, minutes*time.Minute), "nobody fails")
		perSecond = float64(n.served) / (minutes * time.Minute).Seconds()
		refused = float64(n.refused) / float64(n.served+n.refused)
		require.Equal(t, uint64(n.refused), l.Stats().Refusals)
	})
	return perSecond, refused
}

// What the network does decides the number. It is never worse than one at a time, though next to nothing gets through in
// order where the jitter is many times the rest of the way.
func TestAdaptiveFindsTheNumberInFlight(t *testing.T) {
	for _, test := range []struct {
		jitter      time.Duration
		times       float64 // of what InFlight 1 gives, at least
		mostRefused float64
	}{
		{0, 15, 0},
		{time.Millisecond, 5, 0.01},
		{5 * time.Millisecond, 2.2, 0.035},
		{20 * time.Millisecond, 1.4, 0.08},
		{100 * time.Millisecond, 1.2, 0.12},
	} {
		t.Run(test.jitter.String(), func(t *testing.T) {
			seeds := uint64(3)
			if test.jitter == 0 || !long.Tests() { // without jitter there is no chance in it
				seeds = 1
			}
			for seed := range seeds {
				single, never := throughput(t, nonce.LaneConfig{}, test.jitter, seed)
				require.Zero(t, never)
				adaptive, refused := throughput(t, nonce.LaneConfig{Adaptive: true}, test.jitter, seed)
				t.Logf("InFlight 1: %.1f calls/s; adaptive: %.1f (%.2f times), %.1f %% refused", single, adaptive, adaptive/single, 100*refused)
				require.Greater(t, adaptive/single, test.times)
				require.LessOrEqual(t, refused, test.mostRefused)
			}
		})
	}
}

// Where nothing is refused an adaptive lane goes up to what it may, and no
// farther.
func TestAdaptiveEndsAtTheMost(t *testing.T) {
	for most, want := range map[int]int{0: 16, 1: 1, 5: 5} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(0, 1)
			l := newLane(t, nonce.LaneConfig{Adaptive: true, InFlight: most})
			require.Equal(t, 1, l.Stats().Limit, "at first")
			require.Zero(t, n.load(l, 32, time.Minute), "nobody fails")
			require.Equal(t, want, l.Stats().Limit)
		})
	}
}

// Whatever was refused goes out again, and is through with the third send at the latest.
func TestInFlightOnANetworkThatOvertakes(t *testing.T) {
	single, _ := throughput(t, nonce.LaneConfig{}, 5*time.Millisecond, 1)
	for inFlight, times := range map[int]float64{2: 1.85, 4: 3} {
		several, refused := throughput(t, nonce.LaneConfig{InFlight: inFlight}, 5*time.Millisecond, 1)
		t.Logf("InFlight %d: %.2f times, %.1f %% refused", inFlight, several/single, 100*refused)
		require.Greater(t, several/single, times)
	}
}

func (n *network) slowDown(each time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.slow = each
}

func (n *network) accepted() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.served
}

func (n *network) last() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.highest
}
