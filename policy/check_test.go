package policy_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// Everything wrong is reported, each on a line of its own, in a fixed order.
func TestNewReportsEverything(t *testing.T) {
	_, err := policy.New(policy.Table{
		Catalog:        classify.Nexpay(),
		AttemptTimeout: -time.Second,
		Default:        policy.Policy{MaxAttempts: -2, Cost: -3, MaxElapsed: -time.Second, MaxRetryAfter: -2, Breaker: 9},
		Classes: map[classify.Class]policy.Policy{
			classify.Fatal:        {MaxAttempts: 2},
			classify.Unclassified: {MaxAttempts: policy.None},
			classify.Resync:       {MaxAttempts: 4},
			classify.Retryable:    {MaxAttempts: policy.None, MaxElapsed: policy.None},
			77:                    {},
		},
		Statuses: map[int]policy.Policy{
			42:  {},
			100: {MaxAttempts: 2},
			302: {MaxAttempts: policy.None},
			401: {MaxAttempts: 9},
			422: {MaxAttempts: 2},
			500: {Backoff: policy.Backoff{Initial: policy.None}},
			501: {Backoff: policy.Backoff{Initial: policy.None}},
			503: {Backoff: policy.Backoff{Initial: -time.Second, Max: -time.Second, Multiplier: math.NaN(), Jitter: 3}},
		},
		Codes: map[classify.Code]policy.Policy{
			"40":     {MaxAttempts: 3},
			"30010":  {MaxAttempts: 2},
			"-32603": {Backoff: policy.Backoff{Initial: 2 * time.Second, Max: time.Second, Multiplier: 0.5}},
			"12345":  {MaxAttempts: 2},
			"4711":   {MaxAttempts: policy.None, MaxElapsed: time.Minute},
			"":       {},
		},
	})
	require.Error(t, err)
	require.Equal(t, strings.TrimSpace(`
policy: AttemptTimeout -1s is negative
policy: Default: MaxAttempts -2 is negative
policy: Default: Cost -3 is negative
policy: Default: MaxElapsed -1s is negative
policy: Default: MaxRetryAfter -2ns is negative
policy: Default: Breaker 9 is not Failure, Ignored, Success or Trip
policy: Classes[unclassified]: MaxAttempts -1: an unclassified error is not retryable; give its code a rule
policy: Classes[resync]: MaxAttempts 4: a call is resynced at most twice, regardless of MaxAttempts; 1 disables it
policy: Classes[fatal]: MaxAttempts 2: a fatal error is not retryable
policy: Classes[77]: no such class
policy: Statuses[42]: not an HTTP status
policy: Statuses[100] (unclassified unless a code says otherwise): MaxAttempts 2: an unclassified error is not retryable; give its code a rule
policy: Statuses[302] (fatal unless a code says otherwise): MaxAttempts -1: a fatal error is not retryable
policy: Statuses[401] (fatal unless a code says otherwise): MaxAttempts 9: a fatal error is not retryable
policy: Statuses[422] (fix-and-resend unless a code says otherwise): MaxAttempts 2: a code is fixed at most once in a call, regardless of MaxAttempts; 1 disables it
policy: Statuses[503].Backoff: Initial -1s is negative
policy: Statuses[503].Backoff: Max -1s is negative
policy: Statuses[503].Backoff: Multiplier NaN is not a finite number of at least 1
policy: Statuses[503].Backoff: Jitter 3 is not JitterFull, JitterEqual or JitterNone
policy: Codes[-32603].Backoff: Multiplier 0.5 is not a finite number of at least 1
policy: Codes[-32603].Backoff: Max 1s is below Initial 2s
policy: Codes[40] (Invalid API key): MaxAttempts 3: a fatal error is not retryable
policy: Codes[4711]: catalog "Nexpay" has no rule for this code
policy: Codes[12345]: catalog "Nexpay" has no rule for this code
policy: Codes[30010] (Invalid request parameter): MaxAttempts 2: a code is fixed at most once in a call, regardless of MaxAttempts; 1 disables it
policy: Codes[]: "" stands for "no code"; use Statuses or Classes
policy: Classes[retryable]: neither MaxAttempts nor MaxElapsed has a limit: a call would never end
policy: Statuses[500]: MaxAttempts has no limit and every wait is below 1ms: a call would send as fast as it can
policy: Statuses[501]: MaxAttempts has no limit and every wait is below 1ms: a call would send as fast as it can
policy: Codes[4711] under HTTP status 500..501: MaxAttempts has no limit and every wait is below 1ms: a call would send as fast as it can
`), err.Error())
}

// What is wrong by the least that it can be, and what is right by as little.
func TestNewAtTheBounds(t *testing.T) {
	backoff := func(b policy.Backoff) policy.Table { return policy.Table{Default: policy.Policy{Backoff: b}} }
	status := func(status int) policy.Table {
		return policy.Table{Statuses: map[int]policy.Policy{status: {Cost: 1}}}
	}
	for _, tt := range []struct {
		name  string
		table policy.Table
		want  string // empty: fine
	}{
		{"a policy of a class", policy.Table{Classes: map[classify.Class]policy.Policy{classify.Retryable: {Cost: -2}}},
			"Classes[retryable]: Cost -2 is negative"},
		{"the class after the last", policy.Table{Classes: map[classify.Class]policy.Policy{classify.Fatal + 1: {}}},
			"no such class"},
		{"no Max", backoff(policy.Backoff{Max: policy.None}), "Max -1ns is negative"},
		{"endless growth", backoff(policy.Backoff{Multiplier: math.Inf(1)}), "Multiplier +Inf"},
		{"shrinking without end", backoff(policy.Backoff{Multiplier: math.Inf(-1)}), "Multiplier -Inf"},
		{"Max below the first wait that is not given", backoff(policy.Backoff{Max: 200*time.Millisecond - 1}), "is below Initial 200ms"},
		{"the least Max", backoff(policy.Backoff{Max: 1}), "Max 1ns is below Initial 200ms"},
		{"Max at the first wait", backoff(policy.Backoff{Initial: time.Second, Max: time.Second}), ""},
		{"below the first status", status(99), "not an HTTP status"},
		{"the first status", status(100), ""},
		{"the last status", status(599), ""},
		{"above the last status", status(600), "not an HTTP status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := policy.New(tt.table)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// Of a status that is not retryable everything may be set but a number of
// sends: codes that come with it inherit the rest, as 130 does from 403.
func TestStatusesThatAreNotRetryable(t *testing.T) {
	for _, tt := range []struct {
		name  string
		table policy.Table
		fine  bool
	}{
		{"401", policy.Table{Statuses: map[int]policy.Policy{401: {MaxAttempts: 9}}}, false},
		{"404", policy.Table{Statuses: map[int]policy.Policy{404: {MaxAttempts: 5}}}, false},
		{"403, all the rest", policy.Table{Statuses: map[int]policy.Policy{403: {
			MaxAttempts: 1, MaxElapsed: time.Minute, MaxRetryAfter: time.Minute, Cost: 3, Breaker: policy.Ignored,
		}}}, true},
		{"a code that comes with 403", policy.Table{Codes: map[classify.Code]policy.Policy{"130": {MaxAttempts: 3}}}, true},
		{"retryable by itself", policy.Table{Statuses: map[int]policy.Policy{
			200: {MaxAttempts: 2}, 408: {MaxAttempts: 2}, 429: {MaxAttempts: 2}, 500: {MaxAttempts: 2}, 599: {MaxAttempts: 2},
		}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := policy.Nexpay().With(tt.table)
			require.Equal(t, tt.fine, err == nil, "%v", err)
			_, err = policy.Standard().With(tt.table)
			require.NoError(t, err, "without a catalog a classifier may see it otherwise")
		})
	}
}

func TestBuiltInTablesPassTheirOwnCheck(t *testing.T) {
	for _, set := range []*policy.Set{policy.Standard(), policy.Nexpay()} {
		_, err := set.With(policy.Table{})
		require.NoError(t, err)
	}
}
