package retry_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// L3: a turn on a lane is a turn of every source that the lane is in. A call inside
// that would wait for it is refused.
func TestCallInsideATurnOnALaneOfBothSources(t *testing.T) {
	lanes := make([]*nonce.Lane, 3)
	for i := range lanes {
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"}) // of one name: nothing is compared by it
		require.NoError(t, err)
		lanes[i] = lane
	}
	pool := func(lanes ...*nonce.Lane) *nonce.Pool {
		p, err := nonce.NewPool(lanes...)
		require.NoError(t, err)
		return p
	}
	for name, test := range map[string]struct {
		outer, inner nonce.Source
		refused      bool
	}{
		"a lane of the pool":         {pool(lanes[0]), lanes[0], true},
		"a pool that the lane is in": {lanes[0], pool(lanes[0]), true},
		"another pool of the lane":   {pool(lanes[0]), pool(lanes[0]), true},
		"another lane":               {lanes[0], lanes[1], false},
		"a pool of another lane":     {pool(lanes[1]), pool(lanes[2]), false},
		"a lane of another pool":     {pool(lanes[1]), lanes[2], false},
	} {
		for _, apart := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					outer, inner := newRetrier(t, retry.Config{Nonces: test.outer}), newRetrier(t, retry.Config{Nonces: test.inner})
					began, sent := time.Now(), false
					err := retry.Do(t.Context(), outer, func(ctx context.Context) error {
						if apart {
							ctx = retry.Apart(ctx)
						}
						return retry.Do(ctx, inner, func(context.Context) error { sent = true; return nil })
					})
					require.Zero(t, time.Since(began))
					require.Equal(t, !test.refused, sent)
					if test.refused {
						require.ErrorIs(t, err, retry.ErrNested)
					} else {
						require.NoError(t, err)
					}
				})
			})
		}
	}
}

// A call was refused twice, so that its third send has the lane to itself, and
// another one that was refused waits for that. A call inside the third send takes
// the next nonce of the turn, and waits for neither.
func TestCallInsideASendThatNobodyMayOvertake(t *testing.T) {
	for _, name := range []string{"Do", "DoValue", "Hedge"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main", InFlight: 3})
				require.NoError(t, err)
				r := newRetrier(t, retry.Config{Nonces: lane})
				var wg sync.WaitGroup
				overtake := func(op func(context.Context) error) {
					wg.Go(func() { require.NoError(t, retry.Do(t.Context(), r, op)) })
					synctest.Wait()
				}
				third, over := make(chan bool), make(chan bool)
				refusedThen := play(code(403, 50))
				sends := 0
				wg.Go(func() {
					require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error {
						switch sends++; sends {
						case 1:
							overtake(func(ctx context.Context) error {
								<-third
								return refusedThen.op(ctx)
							})
							return code(403, 50)
						case 2:
							overtake(func(context.Context) error { <-over; return nil })
							return code(403, 50)
						}
						close(third)
						synctest.Wait()
						began := time.Now()
						inner := play()
						require.NoError(t, calls[name](ctx, r, inner.op))
						require.Zero(t, time.Since(began))
						require.Equal(t, []uint64{lane.Last()}, inner.nonces)
						require.Len(t, refusedThen.sent, 1, "the other one waits until this turn is over")
						return nil
					}))
				})
				time.Sleep(time.Minute)
				close(over)
				wg.Wait()
				require.Equal(t, 3, sends)
				require.Len(t, refusedThen.sent, 2)
			})
		})
	}
}
