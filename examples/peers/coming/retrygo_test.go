package coming_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	retrygo "github.com/avast/retry-go/v5"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func retryGoBefore(ctx context.Context, client *bank) (string, error) {
	return retrygo.NewWithData[string](
		retrygo.Context(ctx), // so one for each call
		retrygo.Attempts(4),
		retrygo.Delay(200*time.Millisecond),
		retrygo.MaxDelay(5*time.Second),
		retrygo.RetryIf(func(err error) bool { return !refused(err) }),
		retrygo.LastErrorOnly(true),
	).Do(func() (string, error) {
		return client.Balance(ctx)
	})
}

func retryGoRetrier() (*retry.Retrier, error) {
	policies, err := policy.Standard().With(policy.Table{Default: policy.Policy{
		MaxAttempts: 4,
		Backoff:     policy.Backoff{Initial: 200 * time.Millisecond, Max: 5 * time.Second},
	}})
	if err != nil {
		return nil, err
	}
	return retry.New(retry.Config{Policies: policies}) // one for the program
}

func retryGoAfter(ctx context.Context, r *retry.Retrier, client *bank) (string, error) {
	return retry.DoValue(ctx, r, client.Balance)
}

func TestRetryGoBeforeAndAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := retryGoRetrier()
		require.NoError(t, err)
		for _, test := range []struct {
			bank  func() *bank
			sends int
			err   error
		}{
			{func() *bank { return failing(3, errDown) }, 4, nil},
			{func() *bank { return failing(4, errDown) }, 4, errDown},
			{func() *bank { return failing(1, errRefused) }, 1, errRefused},
		} {
			before, after := test.bank(), test.bank()
			_, err := retryGoBefore(t.Context(), before)
			require.ErrorIs(t, err, test.err)
			_, err = retryGoAfter(t.Context(), r, after)
			require.ErrorIs(t, err, test.err)
			require.Equal(t, []int{test.sends, test.sends}, []int{before.calls, after.calls})
		}
	})
}

// With no options any error is sent again, nine times, for almost a minute.
func TestRetryGoDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errWhat := errors.New("what is that?")
		begin, before := time.Now(), failing(1000, errWhat)
		err := retrygo.New().Do(func() error {
			_, err := before.Balance(t.Context())
			return err
		})
		require.ErrorIs(t, err, errWhat)
		require.Equal(t, 10, before.calls)
		require.Greater(t, time.Since(begin), 51*time.Second)
		require.Equal(t, 10, strings.Count(err.Error(), "\n"), "a line for each attempt, under a heading")

		r, err := retry.New(retry.Config{Policies: policy.Standard()})
		require.NoError(t, err)
		unknown, down := failing(1000, errWhat), failing(1000, errDown)
		_, err = retryGoAfter(t.Context(), r, unknown)
		require.ErrorIs(t, err, retry.ErrUnclassified)
		require.Equal(t, 1, unknown.calls)
		begin = time.Now()
		_, err = retryGoAfter(t.Context(), r, down)
		require.ErrorIs(t, err, retry.ErrAttempts)
		require.NotContains(t, err.Error(), "\n")
		require.Equal(t, 4, down.calls)
		require.Less(t, time.Since(begin), 30*time.Second)
	})
}

func TestRetryGoAndContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := retry.New(retry.Config{Policies: policy.Standard()})
		require.NoError(t, err)
		wait := &apiError{status: 503, wait: 10 * time.Second}
		before := func(ctx context.Context) error {
			return retrygo.New(retrygo.Context(ctx), retrygo.Delay(wait.wait), retrygo.LastErrorOnly(true)).Do(func() error {
				_, err := failing(1, wait).Balance(ctx)
				return err
			})
		}
		after := func(ctx context.Context) error {
			_, err := retryGoAfter(ctx, r, failing(1, wait))
			return err
		}
		for _, test := range []struct {
			name  string
			call  func(context.Context) error
			took  time.Duration // with a deadline in 150 ms and a wait of 10 s
			keeps bool          // the bank's error
		}{{"retry-go", before, 150 * time.Millisecond, false}, {"ours", after, 0, true}} {
			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
			begin := time.Now()
			err := test.call(ctx)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded, test.name)
			require.Equal(t, test.took, time.Since(begin), test.name)
			require.Equal(t, test.keeps, errors.Is(err, wait), test.name)
		}
	})
}

// It does not ask the error how long the server wants to be left alone.
func TestRetryGoAndRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := retryGoRetrier()
		require.NoError(t, err)
		busy := &apiError{status: 503, wait: 10 * time.Second}
		begin := time.Now()
		_, err = retryGoBefore(t.Context(), failing(1, busy))
		require.NoError(t, err)
		require.Less(t, time.Since(begin), time.Second)

		begin = time.Now()
		_, err = retryGoAfter(t.Context(), r, failing(1, busy))
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(begin), 10*time.Second)
	})
}

// OnRetry is called after the last attempt too, which nothing follows.
func TestRetryGoReportsARetryThatIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reported, resends := 0, 0
		before := failing(1000, errDown)
		err := retrygo.New(retrygo.Attempts(4), retrygo.OnRetry(func(uint, error) { reported++ })).Do(func() error {
			_, err := before.Balance(t.Context())
			return err
		})
		require.ErrorIs(t, err, errDown)
		require.Equal(t, []int{4, 4}, []int{before.calls, reported})

		r, err := retry.New(retry.Config{Policies: policy.Standard(), OnEvent: func(_ context.Context, e retry.Event) {
			if e.Kind == retry.EventResend {
				resends++
			}
		}})
		require.NoError(t, err)
		after := failing(1000, errDown)
		_, err = retryGoAfter(t.Context(), r, after)
		require.ErrorIs(t, err, retry.ErrAttempts)
		require.Equal(t, []int{4, 3}, []int{after.calls, resends})
	})
}

// A bucket from WithFixedTokenBucketThrottle is as old as its Retrier, which is one for each
// call if it has the call's context: such a bucket never refuses.
func TestRetryGoThrottleOfEachCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := retrygo.NewFixedTokenBucketThrottle(retrygo.FixedTokenBucketThrottleConfig{})
		sends := func(throttle func() retrygo.Option) int {
			b := failing(1000, errDown)
			for range 50 {
				_ = retrygo.New(retrygo.Context(t.Context()), retrygo.Attempts(4), throttle()).Do(func() error {
					_, err := b.Balance(t.Context())
					return err
				})
			}
			return b.calls
		}
		require.Equal(t, 200, sends(func() retrygo.Option {
			return retrygo.WithFixedTokenBucketThrottle(retrygo.FixedTokenBucketThrottleConfig{})
		}))
		require.Equal(t, 50+20, sends(func() retrygo.Option { return retrygo.WithThrottle(shared) }))

		r, err := retry.New(retry.Config{Policies: policy.Standard()})
		require.NoError(t, err)
		after := failing(1000, errDown)
		for range 50 {
			_, _ = retryGoAfter(t.Context(), r, after)
		}
		require.Less(t, after.calls, 100)
	})
}
