package policy_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

func TestOrigins(t *testing.T) {
	set, err := policy.Nexpay().With(policy.Table{
		Name: "mine", AttemptTimeout: time.Second, Default: policy.Policy{MaxAttempts: 3, Breaker: policy.Ignored},
		Classes: map[classify.Class]policy.Policy{classify.Retryable: {Cost: 7}},
	})
	require.NoError(t, err)
	set, err = set.With(policy.Table{Name: "top", Statuses: map[int]policy.Policy{429: {MaxElapsed: time.Hour}}, Codes: map[classify.Code]policy.Policy{"130": {Cost: 1}}})
	require.NoError(t, err)
	require.Equal(t, []policy.Origin{
		{"MaxAttempts", "Codes", 1, ""}, // what the base says of the code, before the default on top
		{"Backoff", "Default", 0, ""},
		{"MaxElapsed", "Statuses", 3, "top"},
		{"MaxRetryAfter", "Statuses", 0, ""},
		{"Cost", "Codes", 3, "top"},
		{"Breaker", "Codes", 1, ""},
		{"AttemptTimeout", "", 2, "mine"},
	}, set.Origins(classify.Verdict{Class: classify.Retryable, Code: "130", Status: 429}))
	require.Equal(t, []policy.Origin{
		{"Backoff", "Default", 0, ""}, {"MaxElapsed", "Default", 0, ""}, {"MaxRetryAfter", "Default", 0, ""}, {"Cost", "Default", 0, ""},
		{"Breaker", "Default", 2, "mine"}, {"AttemptTimeout", "", 2, "mine"},
	}, set.Origins(classify.Verdict{Class: 77}), "an unknown class is unclassified")
	require.Len(t, policy.Standard().Origins(classify.Verdict{Class: classify.Retryable}), 6)
}

// What a field comes from holds the value that applies.
func TestOriginsAreTrue(t *testing.T) {
	some := rapid.Custom(func(t *rapid.T) policy.Policy {
		p := policy.Policy{MaxElapsed: time.Duration(rapid.SampledFrom([]int{0, 0, 7, 8}).Draw(t, "elapsed")), Cost: rapid.SampledFrom([]int{0, 0, 1, 2, policy.None}).Draw(t, "cost")}
		p.Breaker = policy.BreakerMode(rapid.IntRange(0, 4).Draw(t, "breaker"))
		return p
	})
	table := rapid.Custom(func(t *rapid.T) policy.Table {
		return policy.Table{
			Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), Default: some.Draw(t, "default"),
			Classes:  rapid.MapOfN(rapid.SampledFrom([]classify.Class{classify.Retryable, classify.Fatal}), some, 0, 2).Draw(t, "classes"),
			Statuses: rapid.MapOfN(rapid.SampledFrom([]int{429, 503}), some, 0, 2).Draw(t, "statuses"),
			Codes:    rapid.MapOfN(rapid.SampledFrom([]classify.Code{"x", "y"}), some, 0, 2).Draw(t, "codes"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		layers := rapid.SliceOfN(table, 1, 3).Draw(t, "layers")
		set, err := policy.New(layers[0])
		require.NoError(t, err)
		for _, over := range layers[1:] {
			set, err = set.With(over)
			require.NoError(t, err)
		}
		v := classify.Verdict{Class: rapid.SampledFrom([]classify.Class{classify.Retryable, classify.Fatal}).Draw(t, "class"),
			Code: rapid.SampledFrom([]classify.Code{"", "x", "z"}).Draw(t, "code"), Status: rapid.SampledFrom([]int{0, 429, 500}).Draw(t, "status")}
		applies := reflect.ValueOf(set.For(v))
		for _, o := range set.Origins(v) {
			if o.Layer == 0 {
				continue // none of ours sets it
			}
			from := layers[o.Layer-1]
			require.Equal(t, from.Name, o.Table)
			p := map[string]policy.Policy{"Codes": from.Codes[v.Code], "Statuses": from.Statuses[v.Status], "Classes": from.Classes[v.Class], "Default": from.Default}[o.Place]
			require.Equal(t, applies.FieldByName(o.Field).Interface(), reflect.ValueOf(p).FieldByName(o.Field).Interface(), "%+v", o)
		}
	})
}
