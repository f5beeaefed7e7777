package nonce_test

import (
	"path/filepath"
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

// A mark is far ahead where it is farther than MaxAhead, and not where it is
// as far.
func TestMarkAsFarAheadAsItMayBe(t *testing.T) {
	for over, events := range map[time.Duration]int{-time.Microsecond: 0, 0: 0, time.Microsecond: 1} {
		synctest.Test(t, func(t *testing.T) {
			c := nonce.LaneConfig{Key: "main", MaxAhead: time.Minute, HighWater: filepath.Join(t.TempDir(), "mark")}
			before := c
			before.After = uint64(time.Now().Add(c.MaxAhead + over).UnixMicro())
			require.NoError(t, newLane(t, before).Close())

			heard := 0
			c.OnEvent = func(nonce.Event) { heard++ }
			l := newLane(t, c)
			enter(t, l).Leave()
			require.Equal(t, events, heard, "%v", over)
			require.NoError(t, l.Close())
		})
	}
}
