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
			77:                    {},
		},
		Statuses: map[int]policy.Policy{
			42:  {},
			503: {Backoff: policy.Backoff{Initial: -time.Second, Max: -time.Second, Multiplier: math.NaN(), Jitter: 3}},
		},
		Codes: map[classify.Code]policy.Policy{
			40:     {MaxAttempts: 3},
			30010:  {MaxAttempts: 2},
			-32603: {Backoff: policy.Backoff{Initial: 2 * time.Second, Max: time.Second, Multiplier: 0.5}},
			12345:  {MaxAttempts: 2},
			0:      {},
		},
	})
	require.Error(t, err)
	require.Equal(t, strings.TrimSpace(`
policy: AttemptTimeout -1s is negative
policy: Default: MaxAttempts -2 is negative
policy: Default: Cost -3 is negative
policy: Default: MaxElapsed -1s is negative
policy: Default: MaxRetryAfter -2ns is negative
policy: Default: Breaker 9 is none of Failure, Ignored, Success, Trip
policy: Classes[unclassified]: MaxAttempts -1: an unclassified error is never sent again; give its code a rule
policy: Classes[resync]: MaxAttempts 4: a call is resynced at most twice, whatever is set here; 1 rules it out
policy: Classes[fatal]: MaxAttempts 2: a fatal error is never sent again
policy: Classes[77]: there is no such class
policy: Statuses[42]: not an HTTP status
policy: Statuses[503].Backoff: Initial -1s is negative
policy: Statuses[503].Backoff: Max -1s is negative
policy: Statuses[503].Backoff: Multiplier NaN is not a number from 1 up
policy: Statuses[503].Backoff: Jitter 3 is none of JitterFull, JitterEqual, JitterNone
policy: Codes[-32603].Backoff: Multiplier 0.5 is not a number from 1 up
policy: Codes[-32603].Backoff: Max 1s is below Initial 2s
policy: Codes[0]: 0 stands for "no code"; use Statuses or Classes
policy: Codes[40] (Invalid API key): MaxAttempts 3: a fatal error is never sent again
policy: Codes[12345]: catalog "Nexpay" has no rule for this code
policy: Codes[30010] (Invalid request parameter): MaxAttempts 2: a code is fixed at most once in a call, whatever is set here; 1 rules it out
`), err.Error())
}

// A call must have an end of its own, whatever code and status come together.
func TestNewRefusesCallsWithoutEnd(t *testing.T) {
	endless := policy.Policy{MaxAttempts: policy.None, MaxElapsed: policy.None}
	for _, tt := range []struct {
		name  string
		table policy.Table
		want  string // empty: fine
	}{
		{"unlimited attempts are bounded by the inherited time", policy.Table{Default: policy.Policy{MaxAttempts: policy.None}}, ""},
		{"unlimited time is bounded by the inherited attempts", policy.Table{Default: policy.Policy{MaxElapsed: policy.None}}, ""},
		{"default", policy.Table{Default: endless}, "Default and Classes[retryable]: neither"},
		{"code", policy.Table{Codes: map[classify.Code]policy.Policy{7: endless}}, "Codes[7]: neither"},
		{"each half harmless, together not", policy.Table{
			Codes:    map[classify.Code]policy.Policy{7: {MaxAttempts: policy.None}},
			Statuses: map[int]policy.Policy{503: {MaxElapsed: policy.None}},
		}, "Codes[7] under HTTP status 503: neither"},
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

func TestBuiltInTablesPassTheirOwnCheck(t *testing.T) {
	for _, set := range []*policy.Set{policy.Standard(), policy.Nexpay()} {
		_, err := set.With(policy.Table{})
		require.NoError(t, err)
	}
}
