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
