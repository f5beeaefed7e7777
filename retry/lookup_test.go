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
	"github.com/nexpay-go/resilience/retry"
)

// Looking never stops paying (M9): beside five doubts whose lookups hang, payments on
// the same key go through.
func TestHangingLookupsStopNoPayment(t *testing.T) {
	for name, wrote := range map[string]bool{"on the wire": true, "nobody says so": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBreaker(t, breaker.Config{})
				r := newRetrier(t, retry.Config{Nonces: newLane(t), Breaker: b})
				ctx, cancel := context.WithCancel(t.Context())
				var doubts sync.WaitGroup
				for i := range 5 {
					doubts.Go(func() {
						_, _ = retry.DoOnce(ctx, r, retry.Operation[int]{
							ID: fmt.Sprint("doubt-", i),
							Send: func(ctx context.Context) (int, error) {
								connected(ctx)
								return 0, code(500, -32603)
							},
							Verify: func(ctx context.Context) (int, retry.Outcome, error) {
								if wrote {
									httptrace.ContextClientTrace(ctx).WroteRequest(httptrace.WroteRequestInfo{})
								}
								<-ctx.Done()
								return 0, retry.Undecided, ctx.Err()
							},
						})
					})
				}
				time.Sleep(30 * time.Second)
				var paid atomic.Int32
				var payments sync.WaitGroup
				for i := range 600 {
					payments.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
						defer cancel()
						if _, err := retry.DoOnce(ctx, r, retry.Operation[int]{
							ID: fmt.Sprint("pay-", i),
							Send: func(context.Context) (int, error) {
								time.Sleep(100 * time.Millisecond)
								return 1, nil
							},
						}); err == nil {
							paid.Add(1)
						}
					})
					time.Sleep(200 * time.Millisecond)
				}
				payments.Wait()
				cancel()
				doubts.Wait()
				require.GreaterOrEqual(t, paid.Load(), int32(570))
				require.Equal(t, breaker.Closed, b.State(), "lookups have a breaker of their own")
			})
		})
	}
}

// A lookup whose nonce was refused keeps its turn the next time, so that the lane
// learns of it.
func TestRefusedLookupBringsTheLaneForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: []found{{err: code(403, 50)}, {err: code(403, 50)}, applied}}
		p.onLook = func(ctx context.Context) {
			if len(p.looked) == 1 {
				time.Sleep(2 * time.Second) // its turn is given back meanwhile
			}
		}
		_, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t)}, p)
		require.NoError(t, err)
		require.Len(t, p.looked, 3)
		require.Equal(t, p.looked[1], p.looked[2], "sent again at once, in the same turn")
	})
}

// One bare status in a lookup ends nothing; the API's own word does (M5).
func TestWhatEndsLooking(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		ends bool
	}{
		"401": {code(401), false}, "403": {code(403), false}, "404": {code(404), false}, "405": {code(405), false},
		"410": {code(410), false}, "502": {code(502), false}, "a code nobody knows": {code(404, 7), false},
		"no answer":     {context.DeadlineExceeded, false},
		"no permission": {code(403, 80), true}, "a locked key": {code(403, 100), true}, "a mistake in the request": {code(400, 30010), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &payment{sends: []error{errTimeout}, looks: []found{{err: tt.err}, applied}}
				_, err := pay(t, t.Context(), retry.Config{}, p)
				if !tt.ends {
					require.NoError(t, err)
					require.Len(t, p.looked, 2)
					return
				}
				requireOnly(t, err, retry.ErrOutcomeUnknown)
				require.Len(t, p.looked, 1)
			})
		})
	}
}

// Verify may do what it likes: a nil pointer for an error is undecided.
func TestNilPointersForErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{(*nilCode)(nil)}, looks: []found{{retry.Absent, (*nilCode)(nil)}, applied}}
		_, err := pay(t, t.Context(), retry.Config{}, p)
		require.NoError(t, err)
		require.Len(t, p.sent, 1)

		wrapped := fmt.Errorf("beside %w", (*nilCode)(nil))
		require.ErrorIs(t, retry.Do(t.Context(), newRetrier(t, retry.Config{}), always(wrapped)), retry.ErrUnclassified)
		_, err = pay(t, t.Context(), retry.Config{}, &payment{sends: []error{wrapped}, looks: []found{undecided}})
		e := requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.Contains(t, e.Error(), "an error that is a nil *retry_test.nilCode")
	})
}

// nilCode is an error whose methods need what it points to.
type nilCode struct{ code int }

func (c *nilCode) Error() string  { return fmt.Sprint(c.code) }
func (c *nilCode) ErrorCode() int { return c.code }
func (c *nilCode) Unwrap() error  { return fmt.Errorf("%d", c.code) }
