package policy_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

func TestAffordable(t *testing.T) {
	type codes = map[classify.Code]policy.Policy
	type statuses = map[int]policy.Policy
	const tokens = 100
	for _, tt := range []struct {
		name string
		set  *policy.Set
		over policy.Table
		want []string // the places that are reported
	}{
		{"Standard", policy.Standard(), policy.Table{}, nil},
		{"Nexpay", policy.Nexpay(), policy.Table{}, nil},
		{"all that it holds", policy.Nexpay(), policy.Table{Codes: codes{"-32603": {Cost: tokens}}}, nil},
		{"of a code", policy.Nexpay(), policy.Table{Codes: codes{"-32603": {Cost: tokens + 1}}}, []string{"Codes[-32603]: Cost 101"}},
		{"more than any number", policy.Nexpay(), policy.Table{Codes: codes{"-32603": {Cost: math.MaxInt}}}, []string{"Codes[-32603]: Cost 9223372036854775807"}},
		{"of a status", policy.Nexpay(), policy.Table{Statuses: statuses{503: {Cost: 500}}}, []string{"Statuses[503]: Cost 500"}},
		{"of the class", policy.Standard(), policy.Table{Classes: map[classify.Class]policy.Policy{classify.Retryable: {Cost: 500}}}, []string{"Classes[retryable]: Cost 500"}},
		{"of the default", policy.Standard(), policy.Table{Default: policy.Policy{Cost: 500}}, []string{"Default: Cost 500"}},
		{"of each of them", policy.Standard(), policy.Table{
			Default: policy.Policy{Cost: 500}, Statuses: statuses{503: {Cost: 501}, 504: {Cost: 502}}, Codes: codes{"7": {Cost: 503}, "8": {Cost: 504}, "9": {MaxAttempts: 2}},
		}, []string{"Default: Cost 500", "Statuses[503]: Cost 501", "Statuses[504]: Cost 502", "Codes[7]: Cost 503", "Codes[8]: Cost 504"}},
		{"all are free", policy.Nexpay(), policy.Table{Default: policy.Policy{Cost: policy.None}}, nil},
		{"a code that is sent once costs nothing", policy.Nexpay(), policy.Table{Codes: codes{"130": {Cost: 500}}}, nil},
		{"nor does one that is fatal, or resynced", policy.Nexpay(), policy.Table{Codes: codes{"40": {Cost: 500}, "50": {Cost: 500}}}, nil},
		{"who knows, without a catalog", policy.Standard(), policy.Table{Codes: codes{"40": {Cost: 500}}}, []string{"Codes[40]: Cost 500"}},
		{"nor do classes that are not resent for a price", policy.Standard(), policy.Table{Classes: map[classify.Class]policy.Policy{
			classify.Resync: {Cost: 500}, classify.Fatal: {Cost: 500},
		}}, nil},
		{"nothing is sent again", policy.Standard(), policy.Table{Default: policy.Policy{MaxAttempts: 1, Cost: 500}}, nil},
		{"nothing but a code", policy.Standard(), policy.Table{Default: policy.Policy{MaxAttempts: 1, Cost: 500}, Codes: codes{"7": {MaxAttempts: 2}}}, []string{"Default: Cost 500"}},
		{"a code alone is sent again under a status", policy.Standard(), policy.Table{Statuses: statuses{503: {MaxAttempts: 1, Cost: 500}}, Codes: codes{"7": {MaxAttempts: 2}}}, []string{"Statuses[503]: Cost 500"}},
		{"a code under the one status that sends again", policy.Standard(), policy.Table{Default: policy.Policy{MaxAttempts: 1}, Statuses: statuses{503: {MaxAttempts: 2}}, Codes: codes{"7": {Cost: 500}}}, []string{"Codes[7]: Cost 500"}},
		{"nothing but a code that is cheap", policy.Standard(), policy.Table{Default: policy.Policy{MaxAttempts: 1, Cost: 500}, Codes: codes{"7": {MaxAttempts: 2, Cost: 1}}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, err := tt.set.With(tt.over)
			require.NoError(t, err)
			err = set.Affordable(tokens)
			if len(tt.want) == 0 {
				require.NoError(t, err)
				return
			}
			lines := strings.Split(err.Error(), "\n")
			require.Len(t, lines, len(tt.want), "%v", err)
			for i, want := range tt.want {
				require.Equal(t, "policy: "+want+" is more than the 100 tokens that the budget holds: no retry could ever be sent", lines[i])
			}
		})
	}
}

// What is built in for 429 is cheaper than the rest, and may be all that is sent
// again.
func TestAffordableKnowsWhatIsBuiltIn(t *testing.T) {
	set, err := policy.New(policy.Table{
		Default: policy.Policy{MaxAttempts: 1}, Statuses: map[int]policy.Policy{429: {MaxAttempts: 2}},
	})
	require.NoError(t, err)
	require.NoError(t, set.Affordable(5))
	for tokens, held := range map[int]string{4: "4 tokens", 2: "2 tokens", 1: "1 token", 0: "0 tokens"} {
		require.EqualError(t, set.Affordable(tokens), "policy: Statuses[429]: Cost 5 is more than the "+held+
			" that the budget holds: no retry could ever be sent")
	}
}

// No code but 0 is special.
func TestAffordableOfCodesBesideZero(t *testing.T) {
	for _, code := range []classify.Code{"-1", "1"} {
		catalog, err := classify.NewCatalog("own", classify.Rule{Codes: string(code), Name: "Busy", Class: classify.Retryable})
		require.NoError(t, err)
		set, err := policy.New(policy.Table{Catalog: catalog, Codes: map[classify.Code]policy.Policy{code: {Cost: 500}}})
		require.NoError(t, err)
		require.ErrorContains(t, set.Affordable(100), fmt.Sprintf("policy: Codes[%s]: Cost 500", code))
	}
}

// Against a model that looks at every code under every status: what is reported is
// what some call would run into.
func TestAffordableAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.Custom(func(t *rapid.T) policy.Policy {
			return policy.Policy{MaxAttempts: rapid.IntRange(0, 2).Draw(t, "attempts"), Cost: rapid.SampledFrom([]int{-1, 0, 0, 5, 8, 12}).Draw(t, "cost")}
		})
		table := policy.Table{
			Default:  some.Draw(t, "default"),
			Classes:  map[classify.Class]policy.Policy{classify.Retryable: some.Draw(t, "class")},
			Statuses: map[int]policy.Policy{429: some.Draw(t, "429"), 503: some.Draw(t, "503")},
			Codes:    map[classify.Code]policy.Policy{"1": some.Draw(t, "1"), "2": some.Draw(t, "2")},
		}
		tokens := rapid.IntRange(1, 13).Draw(t, "tokens")
		set, err := policy.New(table)
		require.NoError(t, err)
		want := map[string]bool{}
		for _, code := range []classify.Code{"", "1", "2"} {
			for _, status := range []int{0, 429, 503} {
				p := set.For(classify.Verdict{Class: classify.Retryable, Code: code, Status: status})
				if p.MaxAttempts == 1 || p.Cost <= tokens {
					continue
				}
				switch {
				case table.Codes[code].Cost != 0:
					want[fmt.Sprintf("policy: Codes[%s]", code)] = true
				case table.Statuses[status].Cost != 0:
					want[fmt.Sprintf("policy: Statuses[%d]", status)] = true
				case table.Classes[classify.Retryable].Cost != 0:
					want["policy: Classes[retryable]"] = true
				case status == 429 && table.Default.Cost == 0: // 5, built in
					want["policy: Statuses[429]"] = true
				default:
					want["policy: Default"] = true
				}
			}
		}
		if want["policy: Default"] && table.Statuses[429].Cost == 0 {
			delete(want, "policy: Statuses[429]") // one mistake
		}
		got := map[string]bool{}
		if err := set.Affordable(tokens); err != nil {
			for line := range strings.Lines(err.Error()) {
				where, _, _ := strings.Cut(line, ": Cost ")
				require.False(t, got[where], "told twice")
				got[where] = true
			}
		}
		require.Equal(t, want, got)
	})
}
