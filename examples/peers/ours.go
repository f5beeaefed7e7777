package main

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// Answers of a server: one that is retryable and one that is not.
var (
	errInternal = &classify.Error{Status: 503, TraceID: "5f2c", Details: []classify.Detail{{Code: "-32603", Message: "Internal error"}}}
	errDeclined = &classify.Error{Status: 401, TraceID: "5f2d", Details: []classify.Detail{{Code: "20", Message: "Invalid signature"}}}
)

// ours composes a Retrier with a breaker: three sends, a nanosecond apart, no budget. The
// breaker counts as by default, but has no time to reach so many failures.
func ours(open bool) (caller, error) {
	b, err := breaker.New(breaker.Config{
		ConsecutiveFailures: -1, FailureRatio: 1, MinCalls: 100_000, Window: 30 * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	if open {
		b.Isolate("for the benchmark")
	}
	short := policy.Policy{
		MaxAttempts: attempts, MaxElapsed: elapsed,
		Backoff: policy.Backoff{Initial: wait, Max: wait, Jitter: policy.JitterNone},
	}
	policies, err := policy.Nexpay().With(policy.Table{
		AttemptTimeout: policy.None,
		Classes:        map[classify.Class]policy.Policy{classify.Retryable: short},
		Codes:          map[classify.Code]policy.Policy{"-32603": short},
	})
	if err != nil {
		return nil, err
	}
	r, err := retry.New(retry.Config{Policies: policies, Breaker: b, Budget: retry.NoBudget()})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, op operation) (int, error) { return retry.DoValue(ctx, r, op) }, nil
}

// byDefault returns a Retrier with a breaker. The rest are the defaults: attempt timeout,
// budget, a policy for each code.
func byDefault() (*retry.Retrier, error) {
	b, err := breaker.New(breaker.Config{})
	if err != nil {
		return nil, err
	}
	return retry.New(retry.Config{Breaker: b})
}

// oursByDefault calls with byDefault.
func oursByDefault() (caller, error) {
	r, err := byDefault()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, op operation) (int, error) { return retry.DoValue(ctx, r, op) }, nil
}

const (
	attempts = 3
	wait     = time.Nanosecond
	elapsed  = 30 * time.Second // no new send after it
)
