package retry_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// An adapter learns from the context whether its call is a part of a payment, and whom to
// tell of its sends.
func TestPartOfAPayment(t *testing.T) {
	p, err := policy.Nexpay().With(policy.Table{AttemptTimeout: time.Minute})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Policies: p})
	require.NoError(t, err)
	counts := func(ctx context.Context) bool { _, ok := ctx.Value(carry.SentKey{}).(carry.Counter); return ok }
	var kept context.Context
	_, err = retry.DoOnce(t.Context(), r, retry.Operation[int]{
		ID: "x",
		Send: func(ctx context.Context) (int, error) {
			kept = ctx
			require.True(t, carry.Nested(ctx))
			require.True(t, counts(ctx))
			require.False(t, carry.Nested(retry.Apart(ctx)))
			require.False(t, counts(retry.Apart(ctx)), "what is apart is no send of the payment's")
			require.Nil(t, ctx.Value(carry.CounterKey{}), "connections of net/http are traced")
			return 0, context.DeadlineExceeded
		},
		Verify: func(ctx context.Context) (int, retry.Outcome, error) {
			require.True(t, carry.Nested(ctx))
			require.False(t, counts(ctx))
			return 1, retry.Applied, nil
		},
		Settle: time.Millisecond,
	})
	require.NoError(t, err)
	require.False(t, carry.Nested(kept), "the attempt is over")
	require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error {
		require.False(t, carry.Nested(ctx))
		require.False(t, counts(ctx))
		return nil
	}))
	require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error {
		require.False(t, carry.Nested(ctx))
		require.True(t, counts(ctx))
		return nil
	}, retry.Resend(retry.ResendOnProof)))
}
