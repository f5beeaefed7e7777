package coming_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/budget"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func failsafeBefore() failsafe.Executor[string] {
	failed := func(_ string, err error) bool { return err != nil && !refused(err) }
	again := retrypolicy.NewBuilder[string]().
		HandleIf(failed).
		AbortOnErrors(circuitbreaker.ErrOpen).
		WithMaxAttempts(4).
		WithBackoff(200*time.Millisecond, 5*time.Second).
		WithJitterFactor(0.5).
		WithMaxDuration(30 * time.Second).
		Build()
	cb := circuitbreaker.NewBuilder[string]().
		HandleIf(failed).
		WithFailureThreshold(6).
		WithDelay(3 * time.Second).
		Build()
	return failsafe.With(again, cb, timeout.New[string](10*time.Second))
}

func failsafeCall(ctx context.Context, exec failsafe.Executor[string], client *bank) (string, error) {
	return exec.WithContext(ctx).GetWithExecution(func(e failsafe.Execution[string]) (string, error) {
		return client.Balance(e.Context())
	})
}

func failsafeAfter() (*retry.Retrier, error) {
	policies, err := policy.Standard().With(policy.Table{AttemptTimeout: 10 * time.Second})
	if err != nil {
		return nil, err
	}
	b, err := breaker.New(breaker.Config{Name: "bank"})
	if err != nil {
		return nil, err
	}
	return retry.New(retry.Config{Policies: policies, Breaker: b})
}

func failsafeCallAfter(ctx context.Context, r *retry.Retrier, client *bank) (string, error) {
	return retry.DoValue(ctx, r, client.Balance)
}

func TestFailsafeBeforeAndAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			bank  func() *bank
			sends int
			err   error
		}{
			{func() *bank { return failing(3, errDown) }, 4, nil},
			{func() *bank { return failing(4, errDown) }, 4, errDown},
			{func() *bank { return failing(1, errRefused) }, 1, errRefused},
		} {
			r, err := failsafeAfter()
			require.NoError(t, err)
			before, after := test.bank(), test.bank()
			_, err = failsafeCall(t.Context(), failsafeBefore(), before)
			require.ErrorIs(t, err, test.err)
			_, err = failsafeCallAfter(t.Context(), r, after)
			require.ErrorIs(t, err, test.err)
			require.Equal(t, []int{test.sends, test.sends}, []int{before.calls, after.calls})
		}
	})
}

// With no options it resends after any error, twice, at once.
func TestFailsafeDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, before := time.Now(), failing(10, errRefused)
		_, err := failsafeCall(t.Context(), failsafe.With(retrypolicy.NewWithDefaults[string]()), before)
		require.ErrorIs(t, err, errRefused)
		require.Equal(t, 3, before.calls)
		require.Zero(t, time.Since(begin))
	})
}

// A breaker that opens during a call is one more failure: it uses up the attempts, and the
// API's answer is lost.
func TestFailsafeRetriesAnOpenBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again := retrypolicy.NewBuilder[string]().WithMaxAttempts(4).WithDelay(time.Second).Build()
		cb := circuitbreaker.NewBuilder[string]().WithDelay(time.Minute).Build()
		begin, before := time.Now(), failing(10, errDown)
		_, err := failsafeCall(t.Context(), failsafe.With(again, cb), before)
		require.Equal(t, 1, before.calls)
		require.Equal(t, 3*time.Second, time.Since(begin))
		require.ErrorIs(t, err, circuitbreaker.ErrOpen)
		require.NotErrorIs(t, err, errDown)

		b, err := breaker.New(breaker.Config{ConsecutiveFailures: 1})
		require.NoError(t, err)
		r, err := retry.New(retry.Config{Policies: policy.Standard(), Breaker: b})
		require.NoError(t, err)
		begin = time.Now()
		after := failing(10, errDown)
		_, err = failsafeCallAfter(t.Context(), r, after)
		require.Equal(t, 1, after.calls)
		require.Zero(t, time.Since(begin))
		require.ErrorIs(t, err, retry.ErrOpen)
		require.ErrorIs(t, err, errDown)
	})
}

func TestFailsafeAndContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exec := failsafe.With(retrypolicy.NewBuilder[string]().WithDelay(10 * time.Second).Build())
		r, err := retry.New(retry.Config{Policies: policy.Standard()})
		require.NoError(t, err)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		b := new(bank)
		_, err = failsafeCall(over, exec, b)
		require.Equal(t, 1, b.calls, "it is run all the same")
		require.ErrorIs(t, err, context.Canceled)
		b = new(bank)
		_, err = failsafeCallAfter(over, r, b)
		require.Zero(t, b.calls)
		require.ErrorIs(t, err, context.Canceled)

		wait := &apiError{status: 503, wait: 10 * time.Second}
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		defer cancel()
		begin := time.Now()
		_, err = failsafeCallAfter(ctx, r, failing(1, wait))
		require.ErrorIs(t, err, wait)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, time.Since(begin))
		_, err = failsafeCall(ctx, exec, failing(1, wait))
		require.NotErrorIs(t, err, wait)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 150*time.Millisecond, time.Since(begin))
	})
}

// If the budget refuses a retry, the API's error is lost.
func TestFailsafeBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		few := budget.NewBuilder().WithMaxRate(0.01).WithMinConcurrency(0).Build()
		exec := failsafe.With(retrypolicy.NewBuilder[string]().WithBudget(few).Build())
		hang, sends := make(chan struct{}), 0
		go func() { // a retry in progress
			_ = exec.Run(func() error {
				if sends++; sends == 2 {
					<-hang
				}
				return errDown
			})
		}()
		synctest.Wait()
		_, err := failsafeCall(t.Context(), exec, failing(10, errDown))
		require.ErrorIs(t, err, budget.ErrExceeded)
		require.NotErrorIs(t, err, errDown)
		close(hang)

		r, err := retry.New(retry.Config{Policies: policy.Standard()})
		require.NoError(t, err)
		for err == nil || !errors.Is(err, retry.ErrBudget) {
			_, err = failsafeCallAfter(t.Context(), r, failing(10, errDown))
		}
		require.ErrorIs(t, err, errDown)
	})
}

// failsafehttp resends a POST that may have taken effect.
func TestFailsafeHTTPRepeatsPOST(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(stub)
		again := failsafehttp.NewRetryPolicyBuilder().Build()
		client := &http.Client{Transport: failsafehttp.NewRoundTripper(server, again)}
		server.answers(503, 503, 503)
		resp, _ := client.Post("http://bank.test/payments", "text/plain", strings.NewReader("17.50"))
		if resp != nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		require.Equal(t, 3, server.requests)
	})
}
