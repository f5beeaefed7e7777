package retry_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// Without a journal, too, a payment that one call left in doubt is not simply sent by the next.
func TestASecondCallVerifiesFirst(t *testing.T) {
	lost := errors.New("lost")
	for _, c := range []struct {
		name   string
		verify func(context.Context) (int, retry.Outcome, error)
		sends  int
		reason error // of the second call
	}{
		{"it happened", func(context.Context) (int, retry.Outcome, error) { return 7, retry.Applied, nil }, 1, nil},
		{"it did not", func(context.Context) (int, retry.Outcome, error) { return 0, retry.Absent, nil }, 2, nil},
		{"nobody knows", func(context.Context) (int, retry.Outcome, error) { return 0, retry.Undecided, lost }, 1, retry.ErrOutcomeUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, retry.Config{Nonces: newLane(t)})
				sends, down := 0, true
				op := retry.Operation[int]{
					ID: "inv-7",
					Send: func(context.Context) (int, error) {
						if sends++; sends == 1 {
							return 0, lost
						}
						return 7, nil
					},
					Verify: func(ctx context.Context) (int, retry.Outcome, error) {
						if down {
							return 0, retry.Undecided, lost
						}
						return c.verify(ctx)
					},
				}
				_, err := retry.DoOnce(t.Context(), r, op)
				require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
				down = false
				value, err := retry.DoOnce(t.Context(), r, op)
				require.Equal(t, c.sends, sends)
				if c.reason != nil {
					require.ErrorIs(t, err, c.reason)
					return
				}
				require.NoError(t, err)
				require.Equal(t, 7, value)
				_, err = retry.DoOnce(t.Context(), r, op)
				require.NoError(t, err)
				require.Equal(t, c.sends+1, sends, "what is settled is not remembered: that takes a journal")
			})
		})
	}
}

// Where nobody can verify, it stays in doubt; and so it does after a panic in Send.
func TestASecondCallWithoutVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{})
		sends := 0
		op := retry.Operation[int]{ID: "inv-7", Send: func(context.Context) (int, error) { sends++; panic("x") }}
		require.Panics(t, func() { _, _ = retry.DoOnce(t.Context(), r, op) })
		_, err := retry.DoOnce(t.Context(), r, op)
		require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		require.Equal(t, 1, sends)
		op.ID = "inv-8"
		require.Panics(t, func() { _, _ = retry.DoOnce(t.Context(), r, op) }, "another one is sent")
	})
}

// The second call stays on the key of the first, whose late copies its nonces fence off.
func TestASecondCallStaysOnTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lanes []*nonce.Lane
		for i := range 4 {
			lane, err := nonce.NewLane(nonce.LaneConfig{Key: fmt.Sprint("key-", i)})
			require.NoError(t, err)
			lanes = append(lanes, lane)
		}
		pool, err := nonce.NewPool(lanes...)
		require.NoError(t, err)
		r := newRetrier(t, retry.Config{Nonces: pool})
		var keys []string
		key := func(ctx context.Context) {
			ticket, _ := nonce.FromContext(ctx)
			keys = append(keys, ticket.Key())
		}
		down := true
		op := retry.Operation[int]{
			ID: "inv-7", Settle: time.Second,
			Send: func(ctx context.Context) (int, error) {
				key(ctx)
				if down {
					return 0, errors.New("lost")
				}
				return 1, nil
			},
			Verify: func(ctx context.Context) (int, retry.Outcome, error) {
				key(ctx)
				if down {
					return 0, retry.Undecided, nil
				}
				return 0, retry.Absent, nil
			},
		}
		_, err = retry.DoOnce(t.Context(), r, op)
		require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		down = false
		for range 3 { // so that the pool's rotation stands elsewhere
			require.NoError(t, retry.Do(t.Context(), r, play().op))
		}
		_, err = retry.DoOnce(t.Context(), r, op)
		require.NoError(t, err)
		for _, k := range keys {
			require.Equal(t, keys[0], k)
		}
	})
}

// Where a panic or an exit behind Send takes the result away, the call is in doubt too, even
// after a success.
func TestASecondCallAfterAnExit(t *testing.T) {
	errLost := errors.New("lost")
	classifier := classify.Func(func(err error) classify.Verdict {
		if err == errLost {
			panic("x")
		}
		return classify.Verdict{}
	})
	exits := func(context.Context, retry.Call) { runtime.Goexit() }
	for name, c := range map[string]struct {
		cfg retry.Config
		err error
	}{
		"a classifier that panics":      {retry.Config{Classifier: classifier}, errLost},
		"an attempt's hook that exits":  {retry.Config{OnAttempt: exits}, nil},
		"OnCall exits after a success":  {retry.Config{OnCall: exits}, nil},
		"OnEvent exits after a success": {retry.Config{OnEvent: func(context.Context, retry.Event) { runtime.Goexit() }}, errLost},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, c.cfg)
				sends := 0
				done := make(chan struct{})
				pay := func() {
					defer func() { _ = recover(); done <- struct{}{} }()
					_, _ = retry.DoOnce(t.Context(), r, retry.Operation[int]{
						ID:     "inv-7",
						Send:   func(context.Context) (int, error) { sends++; return 7, c.err },
						Verify: func(context.Context) (int, retry.Outcome, error) { return 7, retry.Applied, nil },
					})
				}
				for range 2 {
					go pay()
					<-done
				}
				require.Equal(t, 1, sends)
			})
		})
	}
}

// Within the window of its idempotency key it is sent again, as the first call would have
// done; later it is looked up.
func TestASecondCallUsesTheIdempotencyKey(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration
		sends int
	}{{"in time", time.Hour, 2}, {"too late", 24 * time.Hour, 1}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, retry.Config{Nonces: newLane(t)})
				ctx, cancel := context.WithCancel(t.Context())
				sends, lookups := 0, 0
				op := retry.Operation[int]{
					ID: "inv-7", Idempotent: 24 * time.Hour,
					Send: func(ctx context.Context) (int, error) {
						if sends++; sends == 1 {
							cancel()
							return 0, ctx.Err()
						}
						return 7, nil
					},
					Verify: func(context.Context) (int, retry.Outcome, error) { lookups++; return 7, retry.Applied, nil },
				}
				_, err := retry.DoOnce(ctx, r, op)
				require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
				time.Sleep(c.after)
				_, err = retry.DoOnce(t.Context(), r, op)
				require.NoError(t, err)
				require.Equal(t, c.sends, sends)
				require.Equal(t, 2-c.sends, lookups)
			})
		})
	}
}

// Another operation under an ID in doubt is refused, and the doubt stays.
func TestASecondCallForSomethingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{})
		sends := 0
		op := retry.Operation[int]{
			ID: "inv-7", Fingerprint: "10 EUR",
			Send: func(context.Context) (int, error) { sends++; return 0, errors.New("lost") },
		}
		for _, print := range []string{"10 EUR", "20 EUR", "10 EUR"} {
			op.Fingerprint = print
			_, err := retry.DoOnce(t.Context(), r, op)
			require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
			e, ok := errors.AsType[*retry.Error](err)
			require.True(t, ok)
			if print == "20 EUR" {
				require.ErrorContains(t, e.Doubt.Blocked, "fingerprints differ")
			}
		}
		require.Equal(t, 1, sends)
	})
}

// The Doubt of an error is the caller's: what is done to it changes nothing that is remembered.
func TestADoubtIsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{})
		op := retry.Operation[int]{ID: "inv-7", Send: func(context.Context) (int, error) { return 0, &classify.Error{Status: 500, TraceID: "t-1"} }}
		for range 2 {
			_, err := retry.DoOnce(t.Context(), r, op)
			e, ok := errors.AsType[*retry.Error](err)
			require.True(t, ok)
			require.Equal(t, []string{"t-1"}, e.Doubt.TraceIDs)
			e.Doubt.TraceIDs[0] = "mine"
		}
	})
}

// What a Retrier remembers is bounded: of very many the oldest are forgotten, and what is
// settled makes room.
func TestDoubtsAreBounded(t *testing.T) {
	if raceEnabled || !long.Tests() {
		t.Skip("100,000 doubts take long: go test ./retry -run TestDoubtsAreBounded -long")
	}
	r := newRetrier(t, retry.Config{})
	sends := 0
	pay := func(id string, err error) error {
		_, err = retry.DoOnce(t.Context(), r, retry.Operation[int]{ID: id, Send: func(context.Context) (int, error) { sends++; return 1, err }})
		return err
	}
	lost := errors.New("lost")
	require.ErrorIs(t, pay("first", lost), retry.ErrOutcomeUnknown)
	for i := range 20_000 {
		require.NoError(t, pay(fmt.Sprint("paid-", i), nil))
	}
	require.ErrorIs(t, pay("first", nil), retry.ErrOutcomeUnknown, "those that were paid take no room")
	for i := range 99_999 {
		_ = pay(fmt.Sprint("lost-", i), lost)
	}
	sends = 0
	require.ErrorIs(t, pay("first", nil), retry.ErrOutcomeUnknown)
	require.Zero(t, sends)
	_ = pay("one more", lost)
	require.NoError(t, pay("lost-0", nil))
	require.Equal(t, 2, sends)
}
