package nonce_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

// A pool knows from the beginning for how many at once each of its lanes has
// room.
func TestPoolFillsTheRoomThereIs(t *testing.T) {
	for _, inFlight := range [][]int{{1, 4}, {4, 1}, {2, 3}, {1, 1, 3}} {
		synctest.Test(t, func(t *testing.T) {
			var lanes []*nonce.Lane
			room := 0
			for i, n := range inFlight {
				lanes = append(lanes, newLane(t, nonce.LaneConfig{Key: string(rune('a' + i)), InFlight: n}))
				room += n
			}
			pool, err := nonce.NewPool(lanes...)
			require.NoError(t, err)
			var tickets []*nonce.Ticket
			for range room {
				tickets = append(tickets, enter(t, pool)) // at once, or nobody would ever leave
			}
			for i, l := range lanes {
				require.Equal(t, inFlight[i], nonce.Load(l))
			}
			for _, ticket := range tickets {
				ticket.Leave()
			}
		})
	}
}

// And it learns what becomes of the room: a lane that has come to two at once is
// chosen before one that has not, until it falls back.
func TestPoolKnowsTheRoomThereIsNow(t *testing.T) {
	const length = 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		grown, other := atTwo(t, length), newLane(t, nonce.LaneConfig{Key: "other"})
		pool, err := nonce.NewPool(grown, other)
		require.NoError(t, err)
		chosen := func() map[string]int {
			keys := map[string]int{}
			for range 4 {
				time.Sleep(time.Second)
				ticket := enter(t, pool)
				keys[ticket.Key()]++
				ticket.Leave()
			}
			return keys
		}
		require.Equal(t, map[string]int{"main": 4}, chosen())

		first, second := enter(t, grown), enter(t, grown)
		_, err = first.Resync(t.Context())
		require.NoError(t, err)
		first.Leave()
		second.Leave()
		require.Equal(t, 1, grown.Stats().Limit)
		require.Equal(t, map[string]int{"main": 2, "other": 2}, chosen())
	})
}

// A limit that nobody reaches says nothing: it rises while somebody waits, be it
// one, and not otherwise.
func TestAdaptiveGrowsWhileSomebodyWaits(t *testing.T) {
	for callers, want := range map[int]int{1: 1, 2: 2} {
		synctest.Test(t, func(t *testing.T) {
			l := newLane(t, nonce.LaneConfig{Adaptive: true, InFlight: 4})
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for range 100 {
						ticket := enter(t, l)
						time.Sleep(time.Millisecond)
						ticket.Leave()
					}
				})
			}
			all.Wait()
			require.Equal(t, want, l.Stats().Limit)
			require.EqualValues(t, 100*callers, l.Stats().Turns)
		})
	}
}
