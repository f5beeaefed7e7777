package policy_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// A call without end is told beside whatever else is wrong.
func TestEndlessCallsAreToldBesideOtherMistakes(t *testing.T) {
	endless := policy.Policy{MaxAttempts: policy.None, MaxElapsed: policy.None}
	_, err := policy.New(policy.Table{
		Classes:  map[classify.Class]policy.Policy{77: endless},
		Statuses: map[int]policy.Policy{1000: endless, -1: endless, 503: endless},
		Codes:    map[classify.Code]policy.Policy{"": endless, "7": endless, "8": {Cost: -5}},
	})
	require.EqualError(t, err, strings.TrimSpace(`
policy: Classes[77]: no such class
policy: Statuses[-1]: not an HTTP status
policy: Statuses[1000]: not an HTTP status
policy: Codes[8]: Cost -5 is negative
policy: Codes[]: "" stands for "no code"; use Statuses or Classes
policy: Statuses[503]: neither MaxAttempts nor MaxElapsed has a limit: a call would never end
policy: Codes[7]: neither MaxAttempts nor MaxElapsed has a limit: a call would never end
`))
}

var (
	noEnd   = policy.Policy{MaxAttempts: policy.None, MaxElapsed: policy.None}
	noPace  = policy.Policy{MaxAttempts: policy.None, Backoff: policy.Backoff{Initial: policy.None}}
	twice   = policy.Policy{MaxAttempts: 2}
	classes = func(c classify.Class, p policy.Policy) func(*policy.Table) {
		return func(t *policy.Table) { t.Classes[c] = p }
	}
	statuses = func(s int, p policy.Policy) func(*policy.Table) {
		return func(t *policy.Table) { t.Statuses[s] = p }
	}
	codes = func(c classify.Code, p policy.Policy) func(*policy.Table) {
		return func(t *policy.Table) { t.Codes[c] = p }
	}
)

// mistakes stand each in a place of its own.
var mistakes = []func(*policy.Table){
	func(t *policy.Table) { t.AttemptTimeout = -2 },
	func(t *policy.Table) { t.Default.MaxAttempts, t.Default.MaxElapsed = policy.None, policy.None },
	func(t *policy.Table) { t.Default.MaxRetryAfter = math.MinInt64 },
	func(t *policy.Table) { t.Default.Cost = math.MinInt },
	func(t *policy.Table) { t.Default.Breaker = 200 },
	func(t *policy.Table) { t.Default.Backoff.Initial = -time.Hour },
	func(t *policy.Table) { t.Default.Backoff.Multiplier = math.Inf(1) },
	func(t *policy.Table) { t.Default.Backoff.Jitter = 3 },
	classes(classify.Unclassified, twice),
	classes(classify.Retryable, noEnd),
	classes(classify.Resync, twice),
	classes(classify.FixAndResend, noEnd),
	classes(classify.Fatal, policy.Policy{MaxAttempts: math.MaxInt}),
	classes(200, policy.Policy{}),
	statuses(0, policy.Policy{}),
	statuses(600, noEnd),
	statuses(math.MinInt, noPace),
	statuses(403, noEnd),
	statuses(422, policy.Policy{Backoff: policy.Backoff{Max: -1}}),
	statuses(500, noEnd),
	statuses(502, noPace),
	statuses(503, policy.Policy{Backoff: policy.Backoff{Initial: time.Hour, Max: time.Second}}),
	codes("", noEnd),
	codes("40", twice),
	codes("50", twice),
	codes("30010", noEnd),
	codes("12345", noEnd),
	codes("-32603", noEnd),
	codes("130", noPace),
	codes("140", policy.Policy{MaxElapsed: -5, Breaker: 9}),
	codes("9223372036854775807", noPace),
	codes("-9223372036854775808", twice),
}

func told(t require.TestingT, err error) []string {
	require.Error(t, err)
	return strings.Split(err.Error(), "\n")
}

// Any number of mistakes are all told in one error, each as if there were no other:
// nobody mends one to be told the next.
func TestAllMistakesAreToldAtOnce(t *testing.T) {
	table := func(made ...func(*policy.Table)) policy.Table {
		all := policy.Table{
			Catalog: classify.Nexpay(),
			Classes: map[classify.Class]policy.Policy{}, Statuses: map[int]policy.Policy{}, Codes: map[classify.Code]policy.Policy{},
		}
		for _, mistake := range made {
			mistake(&all)
		}
		return all
	}
	build := map[string]func(policy.Table) (*policy.Set, error){
		"New":  policy.New,
		"With": policy.Nexpay().With,
	}
	for name, build := range build {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				made := rapid.Permutation(mistakes).Draw(t, "mistakes")[:rapid.IntRange(1, len(mistakes)).Draw(t, "number")]
				_, err := build(table(made...))
				all := told(t, err)
				for _, mistake := range made {
					_, err := build(table(mistake))
					require.Subset(t, all, told(t, err))
				}
			})
		})
	}
}
