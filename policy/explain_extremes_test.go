package policy_test

import (
	"cmp"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

var everyClass = func() *classify.Catalog {
	c, err := classify.NewCatalog("every class",
		classify.Rule{Codes: "-9223372036854775808..-1", Name: "Busy", Class: classify.Retryable},
		classify.Rule{Codes: "1", Name: "Nonce", Class: classify.Resync},
		classify.Rule{Codes: "2", Name: "Wrong", Class: classify.FixAndResend},
		classify.Rule{Codes: "3..9223372036854775807", Name: "No", Class: classify.Fatal},
	)
	if err != nil {
		panic(err)
	}
	return c
}()

// extreme is a policy with numbers up to the largest there are.
func extreme(t *rapid.T) policy.Policy {
	number := func(name string) int64 {
		return rapid.OneOf(rapid.SampledFrom([]int64{policy.None, 0, 1, 2, 1001, math.MaxInt64 - 1, math.MaxInt64}), rapid.Int64Range(0, math.MaxInt64)).Draw(t, name)
	}
	return policy.Policy{
		MaxAttempts: int(number("attempts")), MaxElapsed: time.Duration(number("elapsed")), MaxRetryAfter: time.Duration(number("retry-after")),
		Cost: int(number("cost")),
		Backoff: policy.Backoff{
			Initial: time.Duration(number("initial")), Max: time.Duration(max(number("max"), 0)),
			Multiplier: rapid.SampledFrom([]float64{0, 1, 1 + 1e-12, 1.5, 1e9, math.MaxFloat64}).Draw(t, "multiplier"),
			Jitter:     policy.Jitter(rapid.IntRange(0, 2).Draw(t, "jitter")),
		},
	}
}

func explained(t require.TestingT, set *policy.Set, v classify.Verdict) policy.Explanation {
	e := set.ExplainVerdict(v)
	require.True(t, e.MaxSends >= 1 || e.MaxSends == policy.None, "%d sends", e.MaxSends)
	require.True(t, e.MaxTime >= 0 || e.MaxTime == policy.None, "in %v", e.MaxTime)
	require.NotContains(t, e.String(), "%!")
	if e.Known && e.MaxSends > 1 {
		require.NotContains(t, e.String(), " -")
	}
	return e
}

// However large the numbers, what is explained is never negative, and more of
// anything is never less in all.
func TestExplainAtTheExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := policy.Table{Catalog: everyClass, Default: extreme(t)}
		table.AttemptTimeout = time.Duration(rapid.SampledFrom([]int64{policy.None, 0, 1, int64(time.Second), math.MaxInt64}).Draw(t, "attempt timeout"))
		v := everyClass.Classify(&classify.Error{
			Status:  rapid.SampledFrom([]int{0, 403, 429, 503}).Draw(t, "status"),
			Details: []classify.Detail{{Code: rapid.SampledFrom([]classify.Code{"-9223372036854775808", "-1", "1", "2", "3", "9223372036854775807"}).Draw(t, "code")}},
		})
		set, err := policy.New(table)
		if err != nil {
			t.Skip(err)
		}
		e := explained(t, set, v)

		p := &table.Default
		switch rapid.SampledFrom([]string{"attempts", "elapsed", "retry-after", "timeout", "backoff"}).Draw(t, "more of") {
		case "attempts":
			p.MaxAttempts = int(more(t, int64(p.MaxAttempts), 4))
		case "elapsed":
			p.MaxElapsed = time.Duration(more(t, int64(p.MaxElapsed), int64(90*time.Second)))
		case "retry-after":
			p.MaxRetryAfter = time.Duration(more(t, int64(p.MaxRetryAfter), int64(time.Minute)))
		case "timeout":
			if table.AttemptTimeout > 0 { // otherwise the time of the sends is not told
				table.AttemptTimeout = time.Duration(more(t, int64(table.AttemptTimeout), 1))
			}
		case "backoff":
			b := set.For(classify.Verdict{Class: classify.Retryable}).Backoff
			b.Initial, b.Max = max(cmp.Or(b.Initial, 200*time.Millisecond), 1), math.MaxInt64
			p.Backoff = b
		}
		set, err = policy.New(table)
		if err != nil {
			t.Skip(err)
		}
		longer := explained(t, set, v)
		require.GreaterOrEqual(t, orEver(int64(longer.MaxSends)), orEver(int64(e.MaxSends)))
		require.GreaterOrEqual(t, orEver(int64(longer.MaxTime)), orEver(int64(e.MaxTime)))
	})
}

// more is a larger number than n, which may be None; zero stands for the default, under HTTP 429 at most.
func more(t *rapid.T, n, byDefault int64) int64 {
	if n == policy.None {
		return n
	}
	return rapid.Int64Range(cmp.Or(n, byDefault), math.MaxInt64).Draw(t, "that is")
}

// orEver makes of None more than any number.
func orEver(n int64) uint64 {
	if n == policy.None {
		return math.MaxUint64
	}
	return uint64(n)
}

// What nobody sets, and a typing error does.
func TestExplainNumbersThatRunOver(t *testing.T) {
	const century = 100 * 365 * 24 * time.Hour
	for name, p := range map[string]policy.Policy{
		"waits of a century":  {MaxAttempts: 6, MaxElapsed: policy.None, Backoff: policy.Backoff{Initial: century, Multiplier: 1e9}},
		"half of all numbers": {MaxAttempts: math.MaxInt/2 + 1, MaxElapsed: policy.None},
		"without end in time": {MaxAttempts: policy.None, MaxElapsed: math.MaxInt64, MaxRetryAfter: math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := policy.New(policy.Table{Catalog: everyClass, AttemptTimeout: century, Default: p})
			require.NoError(t, err)
			e := explained(t, set, classify.Verdict{Class: classify.Retryable, Code: "-1", Rule: "Busy"})
			require.Equal(t, time.Duration(math.MaxInt64), e.MaxTime)
			require.True(t, strings.Contains(e.String(), "as long as the context allows"), "%v", e)
		})
	}
}
