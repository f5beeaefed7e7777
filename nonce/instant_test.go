package nonce_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

// Who comes at the very instant at which the distance between two turns is over
// goes behind whoever waited for that.
func TestNobodyOvertakesAtTheInstant(t *testing.T) {
	const length = 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{Adaptive: true, InFlight: 2})
		var turns sync.WaitGroup
		for range 60 { // until the limit is 2, and the distance half of a turn
			turns.Go(func() {
				ticket := enter(t, l)
				time.Sleep(length)
				ticket.Leave()
			})
		}
		turns.Wait()
		require.Equal(t, 2, l.Stats().Limit)

		waited := 0
		for range 200 {
			first := enter(t, l)
			time.Sleep(time.Millisecond)
			var earlier, later uint64
			var both sync.WaitGroup
			both.Go(func() {
				came := time.Now()
				ticket := enter(t, l)
				require.Less(t, time.Since(came), length-time.Millisecond, "it need not wait for the turn before it")
				earlier = ticket.Nonce()
				ticket.Leave()
			})
			synctest.Wait()
			waited += l.Stats().Waiting
			both.Go(func() {
				time.Sleep(length/2 - time.Millisecond)
				ticket := enter(t, l)
				later = ticket.Nonce()
				ticket.Leave()
			})
			time.Sleep(length)
			first.Leave()
			both.Wait()
			require.Less(t, earlier, later)
			time.Sleep(length)
		}
		require.Equal(t, 200, waited, "there was somebody to overtake each time")
	})
}
