package retry_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// awsMode is a retry mode as AWS publishes it: three attempts, 500 tokens, a price and a base by the kind of error.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
type awsMode struct {
	transient, throttled, timeout int           // what a resend costs
	base, throttledBase           time.Duration // of the wait, doubling up to 20 s
}

var (
	awsStandard = awsMode{14, 5, 14, 50 * time.Millisecond, time.Second}
	awsEarlier  = awsMode{5, 5, 10, time.Second, time.Second}
)

// retrier is the mode in our words.
func (m awsMode) retrier(t require.TestingT) *retry.Retrier {
	backoff := func(base time.Duration) policy.Backoff {
		return policy.Backoff{Initial: base, Max: 20 * time.Second, Jitter: policy.JitterNone}
	}
	answered := policy.Policy{Cost: m.transient}
	policies, err := policy.New(policy.Table{
		Default: policy.Policy{
			MaxAttempts: 3, MaxElapsed: policy.None,
			Cost: m.timeout, Backoff: backoff(m.base), // with no answer at all
		},
		Statuses: map[int]policy.Policy{
			500: answered, 502: answered, 503: answered, 504: answered,
			429: {Cost: m.throttled, Backoff: backoff(m.throttledBase)},
		},
	})
	require.NoError(t, err)
	budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: 500, Refund: retry.RefundOnly, FullIn: policy.None})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Policies: policies, Budget: budget})
	require.NoError(t, err)
	return r
}

// An awsModel is what they publish, and nothing of ours. It takes what the sends of a call come to.
type awsModel struct {
	awsMode
	tokens int
}

func (m *awsModel) call(answers []error) (sends int, waits []time.Duration) {
	paid := 0
	for {
		sends++
		err := answers[sends-1]
		if err == nil {
			m.tokens = min(m.tokens+max(paid, 1), 500)
			return sends, waits
		}
		cost, base := m.transient, m.base
		switch err {
		case error(errThrottled):
			cost, base = m.throttled, m.throttledBase
		case errTimeout:
			cost = m.timeout
		}
		if sends == 3 || m.tokens < cost {
			return sends, waits
		}
		m.tokens, paid = m.tokens-cost, cost
		waits = append(waits, min(base<<(sends-1), 20*time.Second))
	}
}

var errThrottled = code(429)

// TestAWSModes takes both through the same random calls: every send, every wait and every token are theirs.
func TestAWSModes(t *testing.T) {
	for name, mode := range map[string]awsMode{"standard": awsStandard, "standard as it was before": awsEarlier} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rapid.Check(noDeadline{t}, func(t *rapid.T) {
					r, m := mode.retrier(t), &awsModel{mode, 500}
					bad := rapid.IntRange(0, 10).Draw(t, "failures in ten")
					for range rapid.IntRange(1, 120).Draw(t, "calls") {
						answers := make([]error, 3)
						for i := range answers {
							if rapid.IntRange(0, 9).Draw(t, "answer") < bad {
								answers[i] = rapid.SampledFrom([]error{errThrottled, errTimeout, code(500), code(503)}).Draw(t, "error")
							}
						}
						s := play(answers...)
						_ = retry.Do(context.Background(), r, s.op)
						sends, waits := m.call(answers)
						require.Len(t, s.sent, sends)
						for i, wait := range waits {
							require.Equal(t, wait, s.sent[i+1]-s.sent[i])
						}
						require.Equal(t, m.tokens, r.Budget().Tokens())
					}
				})
			})
		})
	}
}

// noDeadline is a test in virtual time without its Deadline, which rapid would ask for and may not.
type noDeadline struct{ rapid.TB }

// A retry ratio: in the long run resends are a tenth of the calls that succeed, and at the beginning no more than the purse
// holds.
func TestRetryRatio(t *testing.T) {
	budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: 100, Refund: retry.NoRefund, FullIn: policy.None})
	require.NoError(t, err)
	policies, err := policy.Standard().With(policy.Table{Default: policy.Policy{
		Cost: 10, MaxAttempts: 2, Backoff: policy.Backoff{Initial: policy.None},
	}})
	require.NoError(t, err)
	r := newRetrier(t, retry.Config{Budget: budget, Policies: policies})
	resends, succeeded := 0, 0
	for n := range 10_000 {
		sends := 0
		if retry.Do(t.Context(), r, func(context.Context) error {
			if sends++; sends == 1 && n%2 == 0 {
				return code(503)
			}
			return nil
		}) == nil {
			succeeded++
		}
		resends += sends - 1
	}
	require.InDelta(t, 0.1, float64(resends-10)/float64(succeeded), 0.001)
}

func TestRefundNames(t *testing.T) {
	require.Equal(t, "refund and deposit", retry.RefundAndDeposit.String())
	require.Equal(t, "refund only", retry.RefundOnly.String())
	require.Equal(t, "no refund", retry.NoRefund.String())
	_, err := retry.NewBudget(retry.BudgetConfig{Capacity: -1, Deposit: -2, Refund: 7})
	for _, fault := range []string{"Capacity -1", "Deposit -2", "Refund(7) is unknown"} {
		require.ErrorContains(t, err, fault)
	}
	_, err = retry.NewBudget(retry.BudgetConfig{Capacity: 7, Deposit: math.MaxInt})
	require.ErrorContains(t, err, fmt.Sprint("at most 1000000000, not ", math.MaxInt), "a sum would run over, and nothing be sent again for ever")
	none, err := retry.NewBudget(retry.BudgetConfig{Deposit: policy.None})
	require.NoError(t, err)
	r := newRetrier(t, retry.Config{Budget: none})
	require.Error(t, retry.Do(t.Context(), r, play(code(500), code(500, "30010")).op))
	require.NoError(t, retry.Do(t.Context(), r, play().op))
	require.Equal(t, 90, none.Tokens(), "a success deposits nothing")
}

// The retry mode that the AWS SDKs publish: 500 tokens, 14 for a resend after a transient error and 5 after a throttling
// one, the price back if the resend succeeds; waits of 50 ms or 1 s, doubling, without jitter; three sends.
func ExampleNewBudget_aws() {
	policies, err := policy.New(policy.Table{
		Default: policy.Policy{
			MaxAttempts: 3, MaxElapsed: policy.None, Cost: 14,
			Backoff: policy.Backoff{Initial: 50 * time.Millisecond, Max: 20 * time.Second, Jitter: policy.JitterNone},
		},
		Statuses: map[int]policy.Policy{429: {
			Cost:    5,
			Backoff: policy.Backoff{Initial: time.Second, Max: 20 * time.Second, Jitter: policy.JitterNone},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: 500, Refund: retry.RefundOnly, FullIn: policy.None})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Policies: policies, Budget: budget})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = retry.Do(context.Background(), r, func(context.Context) error { return &classify.Error{Status: 503} })
	fmt.Println(budget.Tokens())
	// Output: 472
}

// Several retriers, many callers at once: not one token is spent twice, and none is lost.
func TestBudgetServesSeveralRetriers(t *testing.T) {
	budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: 1000})
	require.NoError(t, err)
	policies, err := policy.Standard().With(policy.Table{Default: policy.Policy{
		MaxAttempts: 50, Backoff: policy.Backoff{Initial: policy.None},
	}})
	require.NoError(t, err)
	var sends atomic.Int64
	var callers sync.WaitGroup
	for range 4 {
		r := newRetrier(t, retry.Config{Budget: budget, Policies: policies})
		for range 25 {
			callers.Go(func() {
				_ = retry.Do(t.Context(), r, func(context.Context) error { sends.Add(1); return code(503) })
			})
		}
	}
	callers.Wait()
	require.EqualValues(t, 100+1000/10, sends.Load(), "each of 100 calls once, and as many resends as could be paid")
	require.Zero(t, budget.Tokens())
}
