package main

import (
	"context"
	"errors"
	"time"

	backoff5 "github.com/cenkalti/backoff/v5"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/sony/gobreaker/v2"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A caller makes a call to an endpoint by some policy. Each client has its own, with its
// own budget and breaker.
type caller func(ctx context.Context, endpoint int, op func(context.Context) error) error

// A way is a way of retrying: a policy with a name.
type way struct {
	name   string
	breaks bool // whether it has a breaker
	new    func() (caller, error)
}

// What most people write by hand: four sends, 200 ms doubling to 5 s.
const (
	sends   = 4
	initial = 200 * time.Millisecond
	longest = 5 * time.Second
)

const (
	noRetry     = "no retry"
	plain       = "plain exponential"
	fullJitter  = "full jitter"
	awsBucket   = "AWS's bucket"
	tenPercent  = "10 % ratio"
	failsafeAll = "failsafe-go"
	failsafe3   = "failsafe-go, 3 s, per endpoint"
	gobreakerV2 = "gobreaker + backoff v5"
	gobreaker3  = "gobreaker + backoff v5, 3 s, per endpoint"
	oursBudget  = "ours, no breaker"
	oursAll     = "ours"
)

var ways = []way{
	{noRetry, false, func() (caller, error) {
		return func(ctx context.Context, _ int, op func(context.Context) error) error { return op(ctx) }, nil
	}},
	{plain, false, func() (caller, error) { return byHand(policy.JitterNone, retry.NoBudget()) }},
	{fullJitter, false, func() (caller, error) { return byHand(policy.JitterFull, retry.NoBudget()) }},
	{awsBucket, false, aws},
	{tenPercent, false, ratio},
	{failsafeAll, true, func() (caller, error) { return failsafeGo(10 * time.Second), nil }},
	{failsafe3, true, func() (caller, error) { return perEndpoint(failsafeGo), nil }},
	{gobreakerV2, true, func() (caller, error) { return gobreakerAndBackoff(10 * time.Second), nil }},
	{gobreaker3, true, func() (caller, error) { return perEndpoint(gobreakerAndBackoff), nil }},
	{oursBudget, false, func() (caller, error) { return ours(retry.Config{}) }},
	{oursAll, true, func() (caller, error) { return withBreakers(breaker.Config{}) }},
}

var endpoints = [...]string{"payments", "status", "balance", "quotes"}

// ours is this library with its defaults.
func ours(cfg retry.Config) (caller, error) {
	r, err := retry.New(cfg)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, endpoint int, op func(context.Context) error) error {
		return retry.Do(ctx, r, op, retry.Endpoint(endpoints[endpoint]))
	}, nil
}

// withBreakers is this library with a breaker for each endpoint.
func withBreakers(cfg breaker.Config) (caller, error) {
	group, err := breaker.NewGroup(cfg, 0)
	if err != nil {
		return nil, err
	}
	return ours(retry.Config{Breakers: group})
}

// byHand is a loop with a backoff. This library is configured to do the same.
func byHand(jitter policy.Jitter, budget *retry.Budget) (caller, error) {
	return loop(policy.Policy{
		MaxAttempts: sends, Backoff: policy.Backoff{Initial: initial, Max: longest, Jitter: jitter}, Cost: 10,
	}, nil, budget)
}

func loop(all policy.Policy, statuses map[int]policy.Policy, budget *retry.Budget) (caller, error) {
	all.MaxElapsed, all.Breaker = policy.None, policy.Ignored
	set, err := policy.New(policy.Table{Default: all, Statuses: statuses})
	if err != nil {
		return nil, err
	}
	return ours(retry.Config{Policies: set, Budget: budget})
}

// aws is the standard retry mode of the AWS SDKs, as package aws/retry of
// aws-sdk-go-v2 v1.48.0 implements it: 500 tokens; a resend costs 14, which are returned
// if it succeeds; 50 ms, doubling, full jitter. Throttling costs less there, but does not
// occur here.
func aws() (caller, error) {
	budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: 500, Refund: retry.RefundOnly, FullIn: policy.None})
	if err != nil {
		return nil, err
	}
	return loop(policy.Policy{
		MaxAttempts: 3, Cost: 14,
		Backoff: policy.Backoff{Initial: 50 * time.Millisecond, Max: 20 * time.Second},
	}, nil, budget)
}

// ratio allows one resend for every ten successes, and ten at the beginning.
func ratio() (caller, error) {
	budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: 100, Refund: retry.NoRefund, FullIn: policy.None})
	if err != nil {
		return nil, err
	}
	return byHand(policy.JitterFull, budget)
}

// perEndpoint gives each endpoint a breaker of another library, open for as long as ours is
// at first.
func perEndpoint(peer func(openFor time.Duration) caller) caller {
	var each [len(endpoints)]caller
	for i := range each {
		each[i] = peer(3 * time.Second)
	}
	return func(ctx context.Context, endpoint int, op func(context.Context) error) error {
		return each[endpoint](ctx, endpoint, op)
	}
}

// failsafeGo is failsafe-go composed as in its documentation: a retry policy around a
// circuit breaker, with the same numbers as the others.
func failsafeGo(openFor time.Duration) caller {
	retries := retrypolicy.NewBuilder[any]().
		WithBackoff(initial, longest).WithJitterFactor(0.5).WithMaxRetries(sends - 1).
		AbortOnErrors(circuitbreaker.ErrOpen).Build()
	cb := circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(0.5, 20, 30*time.Second).WithDelay(openFor).WithSuccessThreshold(2).Build()
	executor := failsafe.With[any](retries, cb)
	return func(ctx context.Context, _ int, op func(context.Context) error) error {
		return executor.WithContext(ctx).Run(func() error { return op(ctx) })
	}
}

// gobreakerAndBackoff is the other common combination.
func gobreakerAndBackoff(openFor time.Duration) caller {
	cb := gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: 2, Interval: 30 * time.Second, Timeout: openFor,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= 10 || c.Requests >= 20 && float64(c.TotalFailures) >= 0.5*float64(c.Requests)
		},
	})
	return func(ctx context.Context, _ int, op func(context.Context) error) error {
		b := backoff5.NewExponentialBackOff()
		b.InitialInterval, b.MaxInterval, b.Multiplier = initial, longest, 2
		_, err := backoff5.Retry(ctx, func() (struct{}, error) {
			v, err := cb.Execute(func() (struct{}, error) { return struct{}{}, op(ctx) })
			if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
				err = backoff5.Permanent(err)
			}
			return v, err
		}, backoff5.WithBackOff(b), backoff5.WithMaxTries(sends), backoff5.WithMaxElapsedTime(0))
		return err
	}
}
