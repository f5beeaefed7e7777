package retry_test

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// onWire tells the trace in ctx that a request was written, as net/http does.
func onWire(ctx context.Context) {
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
}

// However Verify hangs, payments on the same key go through within their time (M9): 95
// of a hundred at the least, beside five doubts.
func TestPaymentsBesideLookupsThatHang(t *testing.T) {
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	wire := func(ctx context.Context) error { onWire(ctx); return hang(ctx) }
	for name, look := range map[string]func(ctx context.Context, r *retry.Retrier, n int32) error{
		"bare":                          func(ctx context.Context, _ *retry.Retrier, _ int32) error { return hang(ctx) },
		"bare, on the wire":             func(ctx context.Context, _ *retry.Retrier, _ int32) error { return wire(ctx) },
		"in a call":                     func(ctx context.Context, r *retry.Retrier, _ int32) error { return retry.Do(ctx, r, hang) },
		"in a call, on the wire":        func(ctx context.Context, r *retry.Retrier, _ int32) error { return retry.Do(ctx, r, wire) },
		"in a second call":              func(ctx context.Context, r *retry.Retrier, _ int32) error { return second(ctx, r, hang) },
		"in a second call, on the wire": func(ctx context.Context, r *retry.Retrier, _ int32) error { return second(ctx, r, wire) },
		"in the second of two in a Do": func(ctx context.Context, r *retry.Retrier, _ int32) error {
			return retry.Do(ctx, r, func(ctx context.Context) error { return second(ctx, r, wire) })
		},
		"in a third call": func(ctx context.Context, r *retry.Retrier, _ int32) error {
			if err := second(ctx, r, always(nil)); err != nil {
				return err
			}
			return retry.Do(ctx, r, wire)
		},
		"in two calls at once": func(ctx context.Context, r *retry.Retrier, _ int32) error {
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() { _ = second(ctx, r, wire) })
			}
			both.Wait()
			return ctx.Err()
		},
		"after a refused nonce": func(ctx context.Context, _ *retry.Retrier, n int32) error {
			onWire(ctx)
			if n%2 == 1 { // it was overtaken
				time.Sleep(50 * time.Millisecond)
				return code(403, "50")
			}
			return hang(ctx)
		},
		"never minds its context": func(context.Context, *retry.Retrier, int32) error { time.Sleep(time.Minute); return errTimeout },
	} {
		for _, pool := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/pool %v", name, pool), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cfg := retry.Config{Nonces: newLane(t), Breaker: newBreaker(t, breaker.Config{}), Policies: steady(t, policy.Table{})}
					if pool {
						cfg.Nonces = newPool(t)
					}
					r := newRetrier(t, cfg)
					ctx, cancel := context.WithCancel(t.Context())
					var doubts, payments sync.WaitGroup
					var looks atomic.Int32
					for i := range 5 {
						doubts.Go(func() {
							_, _ = retry.DoOnce(ctx, r, retry.Operation[int]{
								ID:   fmt.Sprint("doubt-", i),
								Send: func(ctx context.Context) (int, error) { connected(ctx); return 0, code(500, "-32603") },
								Verify: func(ctx context.Context) (int, retry.Outcome, error) {
									return 0, retry.Undecided, look(ctx, r, looks.Add(1))
								},
							})
						})
					}
					time.Sleep(10 * time.Second)
					var paid atomic.Int32
					for i := range 600 {
						payments.Go(func() {
							ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
							defer cancel()
							_, err := retry.DoOnce(ctx, r, retry.Operation[int]{
								ID:   fmt.Sprint("pay-", i),
								Send: func(context.Context) (int, error) { time.Sleep(100 * time.Millisecond); return 1, nil },
							})
							if err == nil {
								paid.Add(1)
							}
						})
						time.Sleep(200 * time.Millisecond)
					}
					payments.Wait()
					cancel()
					doubts.Wait()
					require.GreaterOrEqual(t, paid.Load(), int32(570))
				})
			})
		}
	}
}

// second makes one call that is answered, and then another one.
func second(ctx context.Context, r *retry.Retrier, op func(context.Context) error) error {
	if err := retry.Do(ctx, r, func(ctx context.Context) error { onWire(ctx); time.Sleep(50 * time.Millisecond); return nil }); err != nil {
		return err
	}
	return retry.Do(ctx, r, op)
}

// One lookup at a time is on the wire on each key, and each goes out with a nonce above
// those before it.
func TestLookupsQueueOnTheirKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Nonces: newLane(t), Policies: steady(t, policy.Table{})})
		var under, most atomic.Int32
		var mu sync.Mutex
		var nonces []uint64
		var doubts sync.WaitGroup
		for i := range 20 {
			doubts.Go(func() {
				_, err := retry.DoOnce(t.Context(), r, retry.Operation[int]{
					ID:   fmt.Sprint("doubt-", i),
					Send: func(context.Context) (int, error) { return 0, errTimeout },
					Verify: func(ctx context.Context) (int, retry.Outcome, error) {
						most.Store(max(most.Load(), under.Add(1)))
						defer under.Add(-1)
						ticket, _ := nonce.FromContext(ctx)
						mu.Lock()
						nonces = append(nonces, ticket.Nonce())
						mu.Unlock()
						onWire(ctx)
						time.Sleep(3 * time.Second)
						return 1, retry.Applied, nil
					},
				})
				require.NoError(t, err)
			})
		}
		doubts.Wait()
		require.EqualValues(t, 1, most.Load())
		require.Len(t, nonces, 20)
		for i := range nonces[1:] {
			require.Less(t, nonces[i], nonces[i+1])
		}
	})
}
