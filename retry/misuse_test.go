package retry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// What is missing in a call is told in words, all of it, and nothing is run.
func TestMisuse(t *testing.T) {
	var none context.Context
	ran := false
	op := func(context.Context) error { ran = true; return nil }
	value := func(context.Context) (int, error) { ran = true; return 1, nil }
	once := retry.Operation[int]{ID: "inv-7", Send: value}
	find := func(retry.Entry) (retry.Operation[int], bool) { return once, true }
	made := newRetrier(t, retry.Config{})
	calls := map[string]func(context.Context, *retry.Retrier) error{
		"Do":      func(ctx context.Context, r *retry.Retrier) error { return retry.Do(ctx, r, op) },
		"DoValue": func(ctx context.Context, r *retry.Retrier) error { _, err := retry.DoValue(ctx, r, value); return err },
		"Hedge":   func(ctx context.Context, r *retry.Retrier) error { _, err := retry.Hedge(ctx, r, 1, value); return err },
		"DoOnce":  func(ctx context.Context, r *retry.Retrier) error { _, err := retry.DoOnce(ctx, r, once); return err },
		"Recover": func(ctx context.Context, r *retry.Retrier) error {
			_, err := retry.Recover(ctx, r, new(retry.MemoryJournal), find)
			return err
		},
		"Apart": func(ctx context.Context, r *retry.Retrier) error { return retry.Do(retry.Apart(ctx), r, op) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, call(none, made), "the context is nil")
			require.ErrorContains(t, call(t.Context(), nil), "the Retrier is nil")
			require.ErrorContains(t, call(t.Context(), new(retry.Retrier)), "the zero value; create one with New")
			err := call(none, nil)
			require.ErrorContains(t, err, "the context is nil")
			require.ErrorContains(t, err, "the Retrier is nil")
		})
	}
	require.ErrorContains(t, retry.Do(none, nil, nil), "the operation is nil")
	require.False(t, ran)
	_, again := retry.AttemptFrom(none)
	require.False(t, again)
}

// The zero Retrier has nothing, and says so where it can.
func TestZeroRetrier(t *testing.T) {
	r := new(retry.Retrier)
	require.Zero(t, r.Stats())
	require.Nil(t, r.Policies())
	require.Nil(t, r.Catalog())
	require.Nil(t, r.Lockout())
	require.ErrorContains(t, r.Reload(policy.Nexpay()), "create one with New")
	r.Warn(t.Context(), "a", "b")
}

// A zero breaker works, a zero lane says what it is.
func TestZeroParts(t *testing.T) {
	require.NoError(t, retry.Do(t.Context(), newRetrier(t, retry.Config{Breaker: new(breaker.Breaker)}), play().op))
	err := retry.Do(t.Context(), newRetrier(t, retry.Config{Nonces: new(nonce.Lane)}), play().op)
	require.ErrorIs(t, err, retry.ErrNonce)
	require.ErrorContains(t, err, "make one with NewLane")
}

// A catalog beside policies for the codes of another is refused, also when it is reloaded.
func TestCatalogOfAnotherAPI(t *testing.T) {
	acme, err := classify.NewCatalog("acme", classify.Rule{Codes: "100", Name: "Busy", Class: classify.Retryable})
	require.NoError(t, err)
	_, err = retry.New(retry.Config{Classifier: acme, Policies: policy.Nexpay()})
	require.ErrorContains(t, err, `the catalog "acme"`)
	require.ErrorContains(t, err, `for the codes of "Nexpay"`)
	newRetrier(t, retry.Config{Classifier: classify.Nexpay(), Policies: policy.Nexpay()})
	newRetrier(t, retry.Config{Classifier: classify.Func(acme.Classify), Policies: policy.Nexpay()})

	r := newRetrier(t, retry.Config{Classifier: acme})
	require.ErrorContains(t, r.Reload(policy.Nexpay()), `the catalog "acme"`)
	require.Same(t, acme, r.Catalog())
}
