package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// grouped returns a retrier with a breaker for each endpoint that one failure opens.
func grouped(t *testing.T, cfg retry.Config) (*retry.Retrier, *breaker.Group) {
	t.Helper()
	group, err := breaker.NewGroup(breaker.Config{ConsecutiveFailures: 1, Probes: 1}, 0)
	require.NoError(t, err)
	cfg.Breakers, cfg.Policies = group, steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 1}})
	return newRetrier(t, cfg), group
}

func TestOneEndpointDoesNotTakeTheOthersDown(t *testing.T) {
	r, group := grouped(t, retry.Config{})
	require.Error(t, retry.Do(t.Context(), r, always(code(503)), retry.Endpoint("status")))
	e := asError(t, retry.Do(t.Context(), r, always(nil), retry.Endpoint("status")))
	require.Equal(t, retry.ErrOpen, e.Reason)
	require.ErrorContains(t, e, `circuit breaker "status" is open`)
	require.NoError(t, retry.Do(t.Context(), r, always(nil), retry.Endpoint("balance")))
	require.NoError(t, retry.Do(t.Context(), r, always(nil)), "the endpoint of no name")
	require.Equal(t, breaker.Open, group.Get("status").State())

	_, err := retry.DoOnce(t.Context(), r, retry.Operation[int]{ID: "inv-7", Send: answer}, retry.Endpoint("status"))
	require.ErrorIs(t, err, retry.ErrOpen)
	_, err = retry.DoOnce(t.Context(), r, retry.Operation[int]{ID: "inv-7", Send: answer}, retry.Endpoint("payments"))
	require.NoError(t, err)
}

func TestBreakerOrBreakers(t *testing.T) {
	b, err := breaker.New(breaker.Config{})
	require.NoError(t, err)
	_, err = retry.New(retry.Config{Breaker: b, Breakers: new(breaker.Group)})
	require.ErrorContains(t, err, "only one of them can be set")
}

func ExampleEndpoint() {
	r, err := retry.New(retry.Config{Breakers: new(breaker.Group)}) // share it between all calls
	if err != nil {
		fmt.Println(err)
		return
	}
	quotes := func(context.Context) error { return &classify.Error{Status: 503} }
	balance := func(context.Context) error { return nil }
	noWait := context.Background()
	for range 10 {
		ctx, cancel := context.WithTimeout(noWait, time.Millisecond) // no time to send again
		_ = retry.Do(ctx, r, quotes, retry.Endpoint("quotes"))
		cancel()
	}
	fmt.Println(errors.Is(retry.Do(noWait, r, quotes, retry.Endpoint("quotes")), retry.ErrOpen))
	fmt.Println(retry.Do(noWait, r, balance, retry.Endpoint("balance")))
	// Output:
	// true
	// <nil>
}
