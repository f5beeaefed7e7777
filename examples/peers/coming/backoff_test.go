package coming_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	backoffv5 "github.com/cenkalti/backoff/v5"
	"github.com/cenkalti/backoff/v6"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func backoffBefore(ctx context.Context, client *bank) (string, error) {
	b := backoff.NewExponentialBackOff() // one for each call: it has state
	b.InitialInterval = 200 * time.Millisecond
	b.MaxInterval = 5 * time.Second
	return backoff.Retry(ctx, func() (string, error) {
		balance, err := client.Balance(ctx)
		if refused(err) {
			err = backoff.Permanent(err)
		}
		return balance, err
	}, backoff.WithBackOff(b), backoff.WithMaxTries(4), backoff.WithMaxElapsedTime(30*time.Second))
}

func backoffRetrier() (*retry.Retrier, error) {
	policies, err := policy.Standard().With(policy.Table{Default: policy.Policy{
		MaxAttempts: 4, MaxElapsed: 30 * time.Second,
		Backoff: policy.Backoff{Initial: 200 * time.Millisecond, Max: 5 * time.Second, Multiplier: 1.5},
	}})
	if err != nil {
		return nil, err
	}
	return retry.New(retry.Config{Policies: policies}) // one for the program
}

func backoffAfter(ctx context.Context, r *retry.Retrier, client *bank) (string, error) {
	return retry.DoValue(ctx, r, client.Balance)
}

func TestBackoffBeforeAndAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := backoffRetrier()
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
			_, err := backoffBefore(t.Context(), before)
			require.ErrorIs(t, err, test.err)
			_, err = backoffAfter(t.Context(), r, after)
			require.ErrorIs(t, err, test.err)
			require.Equal(t, []int{test.sends, test.sends}, []int{before.calls, after.calls})
		}
	})
}

// An error that neither a rule nor a method of its own classifies.
func TestBackoffRepeatsWhatItDoesNotKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := backoffRetrier()
		require.NoError(t, err)
		errWhat := errors.New("what is that?")
		before, after, marked := failing(4, errWhat), failing(4, errWhat), failing(4, retry.Transient(errWhat))
		_, err = backoffBefore(t.Context(), before)
		require.ErrorIs(t, err, errWhat)
		_, err = backoffAfter(t.Context(), r, after)
		require.ErrorIs(t, err, retry.ErrUnclassified)
		_, err = backoffAfter(t.Context(), r, marked)
		require.ErrorIs(t, err, retry.ErrAttempts)
		require.Equal(t, []int{4, 1, 4}, []int{before.calls, after.calls, marked.calls})
	})
}

// With no options it retries for 15 minutes.
func TestBackoffDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, before := time.Now(), failing(1000, errDown)
		_, err := backoff.Retry(t.Context(), func() (string, error) { return before.Balance(t.Context()) })
		require.ErrorIs(t, err, backoff.ErrMaxElapsedTime)
		require.Greater(t, time.Since(begin), 13*time.Minute)
		require.Greater(t, before.calls, 15)

		r, err := retry.New(retry.Config{Policies: policy.Standard()})
		require.NoError(t, err)
		begin, after := time.Now(), failing(1000, errDown)
		_, err = retry.DoValue(t.Context(), r, after.Balance)
		require.ErrorIs(t, err, retry.ErrAttempts)
		require.Equal(t, 4, after.calls)
		require.Less(t, time.Since(begin), 30*time.Second)
	})
}

func TestBackoffExceedsItsMaxInterval(t *testing.T) {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = time.Second, time.Second
	longest := time.Duration(0)
	for range 1000 {
		longest = max(longest, b.NextBackOff())
	}
	require.Greater(t, longest, 1400*time.Millisecond)
	ours := policy.Backoff{Initial: time.Second, Max: time.Second}
	for range 1000 {
		require.LessOrEqual(t, ours.Delay(1), time.Second)
	}
}

func TestBackoffAndContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := retry.New(retry.Config{Policies: policy.Standard()})
		require.NoError(t, err)
		wait := &apiError{status: 503, wait: 10 * time.Second}
		v5 := func(ctx context.Context, b *bank) error {
			_, err := backoffv5.Retry(ctx, func() (string, error) { return b.Balance(ctx) },
				backoffv5.WithBackOff(backoffv5.NewConstantBackOff(wait.wait)))
			return err
		}
		v6 := func(ctx context.Context, b *bank) error {
			_, err := backoff.Retry(ctx, func() (string, error) { return b.Balance(ctx) },
				backoff.WithBackOff(backoff.NewConstantBackOff(wait.wait)))
			return err
		}
		ours := func(ctx context.Context, b *bank) error {
			_, err := backoffAfter(ctx, r, b)
			return err
		}
		for _, test := range []struct {
			name  string
			call  func(context.Context, *bank) error
			over  int           // sends with a context that has ended
			took  time.Duration // with a deadline in 150 ms and a wait of 10 s
			keeps bool          // the bank's error
		}{{"v5", v5, 1, 150 * time.Millisecond, false}, {"v6", v6, 1, 150 * time.Millisecond, true}, {"ours", ours, 0, 0, true}} {
			over, cancel := context.WithCancel(t.Context())
			cancel()
			b := failing(1, wait)
			require.ErrorIs(t, test.call(over, b), context.Canceled, test.name)
			require.Equal(t, test.over, b.calls, test.name)

			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
			begin := time.Now()
			err := test.call(ctx, failing(1, wait))
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded, test.name)
			require.Equal(t, test.took, time.Since(begin), test.name)
			require.Equal(t, test.keeps, errors.Is(err, wait), test.name)
		}
	})
}

// A server may ask for any wait.
func TestBackoffAndRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := retry.New(retry.Config{Policies: policy.Standard()})
		require.NoError(t, err)
		begin, asked := time.Now(), false
		_, err = backoff.Retry(t.Context(), func() (string, error) {
			if asked {
				return "17.50", nil
			}
			asked = true
			return "", backoff.RetryAfter(14 * 60)
		})
		require.NoError(t, err)
		require.Equal(t, 14*time.Minute, time.Since(begin))

		begin = time.Now()
		_, err = backoffAfter(t.Context(), r, failing(1, &apiError{status: 503, wait: 14 * time.Minute}))
		require.ErrorIs(t, err, retry.ErrRetryAfter)
		require.Zero(t, time.Since(begin))
	})
}
