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

// strict is an API that takes rising nonces only, each key's for itself.
type strict struct {
	*till
	highest map[string]uint64
	guard   sync.Mutex
}

func (s *strict) takes(ticket *nonce.Ticket) bool {
	s.guard.Lock()
	defer s.guard.Unlock()
	if ticket.Nonce() <= s.highest[ticket.Key()] {
		return false
	}
	s.highest[ticket.Key()] = ticket.Nonce()
	return true
}

// A send is stuck in the network for longer than Settle, where only a later nonce of
// its own key fences it off (M4). A lookup with another key does not: what it finds
// absent is not evidence, and nothing is sent again.
func TestLateCopyAndALookupOnAnotherKey(t *testing.T) {
	for name, tt := range map[string]struct {
		look func(ctx context.Context, same, other *retry.Retrier, op func(context.Context) error) error
		want error
	}{
		"its own key, bare": {func(ctx context.Context, _, _ *retry.Retrier, op func(context.Context) error) error { return op(ctx) }, nil},
		"its own key, in a call": {func(ctx context.Context, same, _ *retry.Retrier, op func(context.Context) error) error {
			return retry.Do(ctx, same, op)
		}, nil},
		"another key": {func(ctx context.Context, _, other *retry.Retrier, op func(context.Context) error) error {
			return retry.Do(ctx, other, op)
		}, retry.ErrOutcomeUnknown},
		"another key, apart": {func(ctx context.Context, _, other *retry.Retrier, op func(context.Context) error) error {
			return retry.Do(retry.Apart(ctx), other, op)
		}, retry.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &strict{till: newTill(), highest: map[string]uint64{}}
				lane, err := nonce.NewLane(nonce.LaneConfig{Key: "another"})
				require.NoError(t, err)
				same, other := newRetrier(t, retry.Config{Nonces: newLane(t)}), newRetrier(t, retry.Config{Nonces: lane})
				sends := 0
				_, err = retry.DoOnce(t.Context(), same, retry.Operation[string]{
					ID: "inv-7", Settle: 5 * time.Second,
					Send: func(ctx context.Context) (string, error) {
						connected(ctx)
						ticket, _ := nonce.FromContext(ctx)
						arrive := func() {
							if api.takes(ticket) {
								api.apply("inv-7")
							}
						}
						if sends++; sends == 1 {
							time.AfterFunc(8*time.Second, arrive)
							return "", errTimeout
						}
						time.Sleep(8 * time.Second)
						arrive()
						return "sent", nil
					},
					Verify: func(ctx context.Context) (v string, found retry.Outcome, err error) {
						err = tt.look(ctx, same, other, func(ctx context.Context) error {
							ticket, _ := nonce.FromContext(ctx)
							api.takes(ticket)
							v, found, err = api.find("inv-7")(ctx)
							return err
						})
						return v, found, err
					},
				})
				time.Sleep(time.Minute)
				require.LessOrEqual(t, api.count("inv-7"), 1)
				switch {
				case err == nil:
					require.Equal(t, 1, api.count("inv-7"))
				default:
					require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
				}
				if tt.want == nil {
					require.NoError(t, err)
					require.Equal(t, 2, sends)
				} else {
					require.Equal(t, 1, sends)
				}
			})
		})
	}
}
