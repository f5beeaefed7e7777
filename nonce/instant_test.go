package nonce_test

import (
	"context"
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
		l := atTwo(t, length)
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
				time.Sleep(length)
				ticket.Leave()
			})
			synctest.Wait()
			waited += l.Stats().Waiting
			both.Go(func() {
				time.Sleep(length/2 - time.Millisecond)
				ticket := enter(t, l)
				later = ticket.Nonce()
				time.Sleep(length)
				ticket.Leave()
			})
			time.Sleep(length - time.Millisecond)
			first.Leave()
			both.Wait()
			require.Less(t, earlier, later)
		}
		require.Equal(t, 200, waited, "there was somebody to overtake each time")
	})
}

// A waiter that was told that no nonce is left, and whose context ends as it
// hears of it, gives no turn back: it had none.
func TestCancelledWhereNoNonceIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 3000 {
			l := newLane(t, nonce.LaneConfig{})
			c := clockOf(l, 1000)
			first := enter(t, l)
			ctx, cancel := context.WithCancel(t.Context())
			var waiter sync.WaitGroup
			waiter.Go(func() {
				_, err := l.Enter(ctx)
				require.Error(t, err)
			})
			synctest.Wait()
			c.step(time.Duration(nonce.MaxNonce) * time.Microsecond)
			waiter.Go(cancel)
			first.Leave()
			waiter.Wait()
			require.Zero(t, l.Stats().InFlight)
			require.Zero(t, nonce.Load(l))
		}
	})
}

// A newer nonce that has to keep its distance goes out when that is over, though
// nobody leaves or comes.
func TestResyncKeepsItsDistanceAndNoMore(t *testing.T) {
	const length = 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		l := atTwo(t, length)
		first, second := enter(t, l), enter(t, l)
		came := time.Now()
		_, err := first.Resync(t.Context())
		require.NoError(t, err)
		require.Positive(t, time.Since(came))
		require.LessOrEqual(t, time.Since(came), length, "it was overtaken: the limit is one again, and the distance a turn")
		first.Leave()
		second.Leave()
	})
}

// atTwo returns an adaptive lane that has come to two at once, half of a turn
// apart.
func atTwo(t *testing.T, length time.Duration) *nonce.Lane {
	t.Helper()
	l := newLane(t, nonce.LaneConfig{Adaptive: true, InFlight: 2})
	var turns sync.WaitGroup
	for range 60 {
		turns.Go(func() {
			ticket := enter(t, l)
			time.Sleep(length)
			ticket.Leave()
		})
	}
	turns.Wait()
	require.Equal(t, 2, l.Stats().Limit)
	return l
}

// A newer nonce that is no longer wanted is not drawn.
func TestCancelledResyncDrawsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := atTwo(t, 10*time.Millisecond)
		first, second := enter(t, l), enter(t, l)
		ctx, cancel := context.WithCancel(t.Context())
		var resync sync.WaitGroup
		resync.Go(func() {
			_, err := first.Resync(ctx)
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		cancel()
		resync.Wait()
		time.Sleep(time.Second)
		require.Equal(t, second.Nonce(), l.Last())

		newer, err := first.Resync(t.Context())
		require.NoError(t, err)
		require.Equal(t, newer.Nonce(), l.Last())
		first.Leave()
		second.Leave()
		require.Zero(t, l.Stats().InFlight)
	})
}
