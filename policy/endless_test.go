package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

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
		{"a fatal code is not resent at all", policy.Table{
			Catalog: classify.Nexpay(),
			Default: policy.Policy{MaxAttempts: policy.None},
			Codes:   map[classify.Code]policy.Policy{40: {MaxElapsed: policy.None}, 50: {Backoff: policy.Backoff{Initial: policy.None}}},
		}, ""},
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

// Sends without number need a wait between them, whatever they cost: a budget
// there need not be.
func TestNewRefusesHotLoops(t *testing.T) {
	unpaced := policy.Backoff{Initial: policy.None}
	for _, tt := range []struct {
		name  string
		table policy.Table
		want  string // empty: fine
	}{
		{"default", policy.Table{Default: policy.Policy{
			MaxAttempts: policy.None, MaxElapsed: 30 * time.Second, Backoff: unpaced, Cost: policy.None,
		}}, "Default and Classes[retryable]: MaxAttempts has no limit, and no wait is as long as 1ms: a call would send as fast as it can"},
		{"code", policy.Table{Codes: map[classify.Code]policy.Policy{7: {MaxAttempts: policy.None, Backoff: unpaced}}}, "Codes[7]: MaxAttempts"},
		{"each half harmless, together not", policy.Table{
			Codes:    map[classify.Code]policy.Policy{7: {Backoff: unpaced}},
			Statuses: map[int]policy.Policy{503: {MaxAttempts: policy.None}},
		}, "Codes[7] under HTTP status 503: MaxAttempts"},
		{"waits as good as none", policy.Table{Default: policy.Policy{
			MaxAttempts: policy.None, Backoff: policy.Backoff{Initial: 1, Max: time.Millisecond - 1},
		}}, "Default and Classes[retryable]: MaxAttempts"},
		{"waits that grow", policy.Table{Default: policy.Policy{
			MaxAttempts: policy.None, Backoff: policy.Backoff{Initial: 1, Max: time.Millisecond},
		}}, ""},
		{"a number of sends", policy.Table{Default: policy.Policy{MaxAttempts: 9, Backoff: unpaced, Cost: policy.None}}, ""},
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

// A slip in the default makes as many combinations without an end as there are codes times statuses: the first of them
// are named, all are counted, and those of which something else decides are found among them.
func TestManyCallsWithoutEnd(t *testing.T) {
	table := policy.Table{Statuses: map[int]policy.Policy{}, Codes: map[classify.Code]policy.Policy{}}
	for i := range 100 {
		table.Statuses[500+i%100] = policy.Policy{MaxElapsed: time.Duration(i+1) * time.Second}
	}
	for i := range 2000 {
		table.Codes[classify.Code(1+i)] = policy.Policy{MaxAttempts: policy.None, Cost: i%7 + 1}
	}
	_, err := policy.New(table)
	require.NoError(t, err)

	table.Codes[1999] = policy.Policy{MaxAttempts: policy.None, MaxElapsed: policy.None}
	_, err = policy.New(table)
	require.ErrorContains(t, err, "policy: Codes[1999]: neither")
	require.ErrorContains(t, err, "policy: Codes[1999] under HTTP status 599: neither")
	require.Equal(t, 101, strings.Count(err.Error(), "\n")+1)

	table.Default.Backoff.Initial = policy.None
	_, err = policy.New(table)
	require.ErrorContains(t, err, "policy: 201000 combinations of code and HTTP status beside those named have no end, or no wait\n")
	require.Equal(t, 1001, strings.Count(err.Error(), "\n")+1)
}

// The most that a resend costs is found whatever decides: the code, the status it comes with, or neither.
func TestMaxCostOfMany(t *testing.T) {
	table := policy.Table{Statuses: map[int]policy.Policy{503: {Cost: 70, MaxAttempts: 1}, 504: {Cost: 60}}, Codes: map[classify.Code]policy.Policy{}}
	for i := range 100 {
		table.Codes[classify.Code(1+i)] = policy.Policy{Cost: i%50 + 1}
	}
	cost := func() int {
		set, err := policy.New(table)
		require.NoError(t, err)
		return set.MaxCost()
	}
	require.Equal(t, 60, cost())
	table.Codes[7] = policy.Policy{MaxAttempts: 3}
	require.Equal(t, 70, cost(), "it is sent again under 503")
	table.Codes[8] = policy.Policy{MaxAttempts: 1, Cost: 90}
	require.Equal(t, 70, cost(), "it is not")
	table.Codes[9] = policy.Policy{Cost: 90}
	require.Equal(t, 90, cost())
}

func BenchmarkNew(b *testing.B) {
	table := policy.Table{Statuses: map[int]policy.Policy{}, Codes: map[classify.Code]policy.Policy{}}
	for i := range 100 {
		table.Statuses[500+i] = policy.Policy{MaxElapsed: time.Duration(i+1) * time.Second}
	}
	for i := range 2000 {
		table.Codes[classify.Code(1+i)] = policy.Policy{MaxAttempts: policy.None, Cost: i%90 + 1}
	}
	b.Run("2000 codes under 100 statuses", func(b *testing.B) {
		for b.Loop() {
			set, err := policy.New(table)
			if err != nil || set.MaxCost() != 90 {
				b.Fatal(err)
			}
		}
	})
}
