package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// An inner call that the end of the context ended keeps all it has to tell,
// whatever the cause.
func TestInnerErrorBesideACause(t *testing.T) {
	for name, cause := range map[string]error{"none": nil, "a shutdown": errors.New("shutdown"), "a sibling": code(403, "100")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{})})
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(1500*time.Millisecond, func() { cancel(cause) })
				answer := code(500, "-32603")
				e := asError(t, retry.Do(ctx, r, nest(r, 2, always(answer)), retry.Named("outer")))
				require.Equal(t, retry.ErrCanceled, e.Reason)
				require.Equal(t, 2, e.Attempts)
				require.Equal(t, "5f2c", e.TraceID)
				require.ErrorIs(t, e, answer)
				require.NoError(t, r.Lockout().Check(""))
			})
		})
	}
}

// What the API said counts, and locks, whatever stands beside it.
func TestAnswerJoinedWithTheCause(t *testing.T) {
	for name, cause := range map[string]error{"a shutdown": errors.New("shutdown"), "a sibling": code(403, "40")} {
		t.Run(name, func(t *testing.T) {
			r := newRetrier(t, retry.Config{Key: "main"})
			ctx, cancel := context.WithCancelCause(t.Context())
			answer := code(403, "100")
			err := retry.Do(ctx, r, func(ctx context.Context) error {
				cancel(cause)
				return fmt.Errorf("stopped: %w", errors.Join(context.Cause(ctx), answer))
			})
			e := asError(t, err)
			require.Equal(t, retry.ErrFatal, e.Reason)
			require.Equal(t, classify.Code("100"), e.Verdict.Code)
			require.ErrorIs(t, err, answer)
			require.Error(t, r.Lockout().Check("main"))
		})
	}
}

// Nor does the sibling's answer lock the key because there is one of this call.
func TestAnswerJoinedWithASiblings(t *testing.T) {
	r := newRetrier(t, retry.Config{Key: "main"})
	ctx, cancel := context.WithCancelCause(t.Context())
	answer := code(500, "-32603")
	err := retry.Do(ctx, r, func(ctx context.Context) error {
		cancel(code(403, "100"))
		return errors.Join(context.Cause(ctx), answer)
	})
	require.Equal(t, retry.ErrCanceled, asError(t, err).Reason)
	require.Equal(t, classify.Code("-32603"), asError(t, err).Verdict.Code)
	require.NoError(t, r.Lockout().Check("main"), "an innocent key")
}

// One send counts once, though the deadline has a cause.
func TestDeadlineWithACauseCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 2})
		r := newRetrier(t, retry.Config{Breaker: b})
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("too slow"))
		defer cancel()
		require.ErrorIs(t, retry.Do(ctx, r, nest(r, 2, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})), retry.ErrDeadline)
		require.Equal(t, breaker.Closed, b.State())
	})
}

// A cause that cannot be compared harms nobody.
func TestUncomparableCause(t *testing.T) {
	r := newRetrier(t, retry.Config{})
	ctx, cancel := context.WithCancelCause(t.Context())
	err := retry.Do(ctx, r, func(context.Context) error {
		cancel(several{code(403, "100")})
		return fmt.Errorf("pay: %w", several{context.Canceled})
	})
	require.ErrorIs(t, err, retry.ErrCanceled)
	var answer *classify.Error
	require.False(t, errors.As(err, &answer), "a sibling's")
}

type several []error

func (s several) Error() string   { return "several" }
func (s several) Unwrap() []error { return s }

// The error of a Fix is found, even if it wraps the answer that the Fix got.
func TestErrorOfAFixThatWrapsTheAnswer(t *testing.T) {
	noSuch := errors.New("no such symbol")
	err := retry.Do(t.Context(), newRetrier(t, retry.Config{}), always(code(400, "30010")),
		retry.Fix(func(_ context.Context, e *classify.Error) (bool, error) {
			return false, fmt.Errorf("%w: %w", noSuch, e)
		}))
	require.ErrorIs(t, err, noSuch)
	require.Equal(t, retry.ErrFixAndResend, asError(t, err).Reason)
}
