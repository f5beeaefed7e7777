package retry_test

import (
	"context"
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// The state of a call is used again for others. What the caller gave and got is not
// reachable from it any more: neither the errors nor what the operation refers to.
func TestPooledStateHoldsNothing(t *testing.T) {
	policies, err := policy.Nexpay().With(policy.Table{
		Default: policy.Policy{MaxAttempts: 6, Backoff: policy.Backoff{Initial: policy.None}},
		Codes:   map[classify.Code]policy.Policy{"-32603": {MaxAttempts: 6, Backoff: policy.Backoff{Initial: policy.None}}},
	})
	require.NoError(t, err)
	r := newRetrier(t, retry.Config{Policies: policies, Budget: retry.NoBudget()})
	type payload struct{ bytes [1 << 10]byte }
	var given []weak.Pointer[payload]
	var got []weak.Pointer[classify.Error]
	for _, sends := range []int{1, 2, 6, 7} {
		func() {
			p := new(payload)
			given = append(given, weak.Make(p))
			ctx := context.WithValue(t.Context(), payload{}, p)
			left := sends
			_, _ = retry.DoValue(ctx, r, func(context.Context) (byte, error) {
				if left--; left == 0 {
					return p.bytes[0], nil
				}
				e := &classify.Error{Status: 500, TraceID: string(p.bytes[:3]), Details: []classify.Detail{{Code: "-32603"}}}
				got = append(got, weak.Make(e))
				return 0, e
			}, retry.Fix(func(context.Context, *classify.Error) (bool, error) { return p != nil, nil }))
		}()
	}
	runtime.GC()
	for _, p := range given {
		require.Nil(t, p.Value())
	}
	for _, e := range got {
		require.Nil(t, e.Value())
	}
}
