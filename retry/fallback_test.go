package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/retry"
)

func isolated(t testing.TB) *breaker.Breaker {
	t.Helper()
	b, err := breaker.New(breaker.Config{Name: "bank"})
	require.NoError(t, err)
	b.Isolate("maintenance")
	return b
}

// told is what a fallback was told, and what it says.
type told struct {
	why   *retry.Error
	value int
	err   error
}

func (f *told) option() retry.Option {
	return retry.Fallback(func(_ context.Context, why *retry.Error) (int, error) {
		f.why = why
		return f.value, f.err
	})
}

func TestFallback(t *testing.T) {
	locked := newRetrier(t, retry.Config{})
	locked.Lockout().Lock("", breaker.LockCause{Code: "100", TraceID: "9e01"})
	own := errors.New("no cache either")
	for name, tt := range map[string]struct {
		r      *retry.Retrier
		op     func(context.Context) (int, error)
		says   told
		reason error
		want   int
		err    error
	}{
		"the breaker is open":   {newRetrier(t, retry.Config{Breaker: isolated(t)}), answer, told{value: 7}, retry.ErrOpen, 7, nil},
		"the key is locked out": {locked, answer, told{value: 7}, retry.ErrLockedOut, 7, nil},
		"it fails itself":       {locked, answer, told{value: 7, err: own}, retry.ErrLockedOut, 7, own},
		"a call that succeeds":  {newRetrier(t, retry.Config{}), answer, told{value: 7}, nil, 42, nil},
		"an answer is no matter": {newRetrier(t, retry.Config{}), func(context.Context) (int, error) { return 0, code(403, "80") },
			told{value: 7}, nil, 0, retry.ErrFatal},
	} {
		t.Run(name, func(t *testing.T) {
			f := tt.says
			value, err := retry.DoValue(t.Context(), tt.r, tt.op, f.option())
			require.Equal(t, tt.want, value)
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.err == nil, err == nil)
			if tt.reason == nil {
				require.Nil(t, f.why)
				return
			}
			require.Equal(t, tt.reason, f.why.Reason)
			require.ErrorIs(t, f.why.Cause, tt.reason, "and what it was")

			g := tt.says
			value, _ = retry.Hedge(t.Context(), tt.r, 1, tt.op, g.option())
			require.Equal(t, tt.want, value)
		})
	}
}

// The key that locks in the middle of a call is told of with the answer that locked it.
func TestFallbackAfterSends(t *testing.T) {
	r := newRetrier(t, retry.Config{})
	var f told
	_, err := retry.DoValue(t.Context(), r, func(context.Context) (int, error) {
		r.Lockout().Lock("", breaker.LockCause{Code: "100"})
		return 0, code(503)
	}, f.option())
	require.NoError(t, err)
	require.Equal(t, 1, f.why.Attempts)
	require.ErrorIs(t, f.why, retry.ErrLockedOut)
}

// An inner call's closed door closes the outer one, whose fallback is told of it.
func TestFallbackOfAnOuterCall(t *testing.T) {
	inner := newRetrier(t, retry.Config{Breaker: isolated(t)})
	f := told{value: 7}
	value, err := retry.DoValue(t.Context(), newRetrier(t, retry.Config{}), func(ctx context.Context) (int, error) {
		v, err := retry.DoValue(ctx, inner, answer)
		return v, fmt.Errorf("in the middle: %w", err)
	}, f.option())
	require.NoError(t, err)
	require.Equal(t, 7, value)
	require.Equal(t, retry.ErrOpen, f.why.Reason)
}

func TestFallbackMistakes(t *testing.T) {
	r := newRetrier(t, retry.Config{Breaker: isolated(t)})
	sent := func(context.Context) (int, error) { t.Error("sent"); return 0, nil }
	_, err := retry.DoValue(t.Context(), r, sent, fallingBackTo("seven"))
	require.EqualError(t, err, "retry: Fallback returns a string, but the operation returns a int")
	_, err = retry.DoOnce(t.Context(), r, retry.Operation[int]{Send: sent}, fallingBackTo(7))
	require.ErrorContains(t, err, "DoOnce takes no Fallback")
	require.ErrorContains(t, err, "ID is required", "with all else that is wrong")
	_, err = retry.DoValue(t.Context(), r, answer, retry.Fallback[int](nil))
	require.ErrorIs(t, err, retry.ErrOpen, "none is none")

	require.NoError(t, retry.Do(t.Context(), r, always(nil), fallingBackTo(struct{}{})))
	_, err = retry.DoValue(t.Context(), r, func(context.Context) (fmt.Stringer, error) { return nil, nil }, fallingBackTo(7))
	require.ErrorContains(t, err, "the operation returns a fmt.Stringer")
}

func TestFallbackEvent(t *testing.T) {
	var events []retry.Event
	r := newRetrier(t, retry.Config{
		Breaker: isolated(t),
		OnEvent: func(_ context.Context, e retry.Event) { events = append(events, e) },
	})
	_, err := retry.DoValue(t.Context(), r, answer, fallingBackTo(7), retry.Named("balance"))
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, retry.EventFallback, events[0].Kind)
	require.Equal(t, "balance", events[0].Name)
	require.ErrorIs(t, events[0].Err, retry.ErrOpen)
	require.Contains(t, events[0].Error, "isolated: maintenance")
}

func ExampleFallback() {
	b, err := breaker.New(breaker.Config{Name: "bank"})
	if err != nil {
		fmt.Println(err)
		return
	}
	b.Isolate("maintenance until six")
	r, err := retry.New(retry.Config{Breaker: b})
	if err != nil {
		fmt.Println(err)
		return
	}
	balance := func(context.Context) (string, error) { return "17.00 EUR", nil }
	cached := func(_ context.Context, why *retry.Error) (string, error) {
		fmt.Println(why)
		return "16.50 EUR, an hour ago", nil
	}
	fmt.Println(retry.DoValue(context.Background(), r, balance, retry.Fallback(cached), retry.Named("balance")))
	// Output:
	// retry: balance: circuit breaker "bank" is open: isolated: maintenance until six; it stays open until it is reset (nothing sent)
	// 16.50 EUR, an hour ago <nil>
}
