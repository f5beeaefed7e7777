package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// What diff takes for no consequence has none: calls under both policies do the same, at the same instants.
func TestEffectiveIsWhatCallsDo(t *testing.T) {
	base := policy.Policy{
		MaxAttempts: 4, Backoff: policy.Backoff{Initial: time.Second, Max: 4 * time.Second, Multiplier: 2, Jitter: policy.JitterNone},
		MaxElapsed: 30 * time.Second, MaxRetryAfter: 20 * time.Second, Cost: 10, Breaker: policy.Failure,
	}
	changes := map[string]func(*policy.Policy){
		"attempts":    func(p *policy.Policy) { p.MaxAttempts = 3 },
		"no attempts": func(p *policy.Policy) { p.MaxAttempts = policy.None },
		"one":         func(p *policy.Policy) { p.MaxAttempts = 1 },
		"initial":     func(p *policy.Policy) { p.Backoff.Initial = 2 * time.Second },
		"no wait":     func(p *policy.Policy) { p.Backoff.Initial = policy.None },
		"max":         func(p *policy.Policy) { p.Backoff.Max = 3 * time.Second },
		"multiplier":  func(p *policy.Policy) { p.Backoff.Multiplier = 1 },
		"defaults left out": func(p *policy.Policy) {
			p.Backoff = policy.Backoff{Initial: time.Second, Max: 4 * time.Second, Jitter: policy.JitterNone}
		},
		"elapsed":         func(p *policy.Policy) { p.MaxElapsed = 2 * time.Second },
		"no elapsed":      func(p *policy.Policy) { p.MaxElapsed = policy.None },
		"retry-after":     func(p *policy.Policy) { p.MaxRetryAfter = time.Second },
		"any retry-after": func(p *policy.Policy) { p.MaxRetryAfter = policy.None },
		"cost":            func(p *policy.Policy) { p.Cost = 30 },
		"no cost":         func(p *policy.Policy) { p.Cost = policy.None },
		"ignored":         func(p *policy.Policy) { p.Breaker = policy.Ignored },
		"opens at once":   func(p *policy.Policy) { p.Breaker = policy.Trip },
		"waits that stay": func(p *policy.Policy) {
			p.Backoff = policy.Backoff{Initial: time.Second, Max: time.Second, Jitter: policy.JitterNone}
		},
		"and do not grow": func(p *policy.Policy) {
			p.Backoff = policy.Backoff{Initial: time.Second, Multiplier: 1, Jitter: policy.JitterNone}
		},
		"no wait, otherwise": func(p *policy.Policy) {
			p.Backoff = policy.Backoff{Initial: policy.None, Max: 9, Jitter: policy.JitterNone}
		},
	}
	var policies []policy.Policy
	for _, one := range changes {
		for _, other := range changes {
			p := base
			one(&p)
			other(&p)
			if _, err := policy.New(policy.Table{Default: p}); err == nil {
				policies = append(policies, p)
			}
		}
	}
	alike := 0
	for _, class := range classes {
		calls := map[policy.Policy]string{} // by what is effective
		for _, p := range policies {
			traced := trace(t, class, p)
			does := effective(class, p)
			if before, ok := calls[does]; ok {
				alike++
				require.Equal(t, before, traced, "%v %+v", class, p)
			}
			calls[does] = traced
		}
	}
	require.Greater(t, alike, 500)
}

// trace is what a call does that gets nothing but errors of a class, without a Retry-After and with several.
func trace(t *testing.T, class classify.Class, p policy.Policy) string {
	set, err := policy.New(policy.Table{Default: p, AttemptTimeout: time.Minute})
	require.NoError(t, err)
	var b strings.Builder
	for _, asked := range []time.Duration{0, 1500 * time.Millisecond, 12 * time.Second, 25 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			circuit, err := breaker.New(breaker.Config{ConsecutiveFailures: 3})
			require.NoError(t, err)
			budget, err := retry.NewBudget(retry.BudgetConfig{})
			require.NoError(t, err)
			r, err := retry.New(retry.Config{
				Policies: set, Breaker: circuit, Budget: budget,
				Classifier: classify.Func(func(error) classify.Verdict {
					return classify.Verdict{Class: class, Effect: classify.NotApplied, Code: "7", RetryAfter: asked}
				}),
			})
			require.NoError(t, err)
			start := time.Now()
			err = retry.Do(t.Context(), r, func(context.Context) error {
				fmt.Fprint(&b, time.Since(start), " ")
				return errors.New("x")
			}, retry.Fix(func(context.Context, *classify.Error) (bool, error) { return true, nil }))
			ended, ok := errors.AsType[*retry.Error](err)
			require.True(t, ok)
			fmt.Fprintln(&b, time.Since(start), ended.Reason, budget.Tokens(), circuit.State())
		})
	}
	return b.String()
}

// Full and equal jitter spread a Retry-After alike, which is all that some have of a jitter.
func TestJitterOfARetryAfterAlone(t *testing.T) {
	for _, class := range []classify.Class{classify.Resync, classify.FixAndResend, classify.Retryable} {
		of := func(j policy.Jitter) policy.Policy {
			p := policy.Policy{MaxAttempts: 4, Backoff: policy.Backoff{Initial: time.Second, Max: time.Second, Jitter: j}, MaxElapsed: time.Minute, MaxRetryAfter: time.Second}
			if class == classify.Retryable {
				p.Backoff = policy.Backoff{Initial: policy.None, Jitter: j}
			}
			return effective(class, p)
		}
		require.Equal(t, of(policy.JitterFull), of(policy.JitterEqual))
		require.NotEqual(t, of(policy.JitterFull), of(policy.JitterNone))
	}
}
