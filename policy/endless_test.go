package policy_test

import (
	"strconv"
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
		{"unlimited time is bounded by attempts, where those inherited are unlimited", policy.Table{
			Default: policy.Policy{MaxAttempts: policy.None},
			Codes:   map[classify.Code]policy.Policy{"7": {MaxAttempts: 5, MaxElapsed: policy.None}},
		}, ""},
		{"unlimited attempts are bounded by the inherited time", policy.Table{Default: policy.Policy{MaxAttempts: policy.None}}, ""},
		{"unlimited time is bounded by the inherited attempts", policy.Table{Default: policy.Policy{MaxElapsed: policy.None}}, ""},
		{"default", policy.Table{Default: endless}, "policy: Default: neither"},
		{"class", policy.Table{Classes: map[classify.Class]policy.Policy{classify.Retryable: endless}}, "policy: Classes[retryable]: neither"},
		{"a half each", policy.Table{
			Default: policy.Policy{MaxAttempts: policy.None},
			Classes: map[classify.Class]policy.Policy{classify.Retryable: {MaxElapsed: policy.None}},
		}, "policy: Default and Classes[retryable]: neither"},
		{"a default that the class puts right", policy.Table{
			Default: endless,
			Classes: map[classify.Class]policy.Policy{classify.Retryable: {MaxElapsed: time.Minute}},
		}, ""},
		{"a code over a default that is wrong itself", policy.Table{
			Default: endless, Codes: map[classify.Code]policy.Policy{"7": {MaxAttempts: policy.None}},
		}, "policy: Codes[7]: neither"},
		{"status", policy.Table{Statuses: map[int]policy.Policy{503: endless}}, "policy: Statuses[503]: neither"},
		{"code", policy.Table{Codes: map[classify.Code]policy.Policy{"7": endless}}, "Codes[7]: neither"},
		{"a fatal code is not resent at all", policy.Table{
			Catalog: classify.Nexpay(),
			Default: policy.Policy{MaxAttempts: policy.None},
			Codes:   map[classify.Code]policy.Policy{"40": {MaxElapsed: policy.None}, "50": {Backoff: policy.Backoff{Initial: policy.None}}},
		}, ""},
		{"each half harmless, together not", policy.Table{
			Codes:    map[classify.Code]policy.Policy{"7": {MaxAttempts: policy.None}},
			Statuses: map[int]policy.Policy{503: {MaxElapsed: policy.None}},
		}, "Codes[7] under HTTP status 503: neither"},
		{"and under several", policy.Table{
			Codes:    map[classify.Code]policy.Policy{"7": {MaxAttempts: policy.None}, "8": {MaxAttempts: 2}},
			Statuses: map[int]policy.Policy{429: {MaxElapsed: policy.None}, 500: {MaxElapsed: policy.None}, 501: {MaxElapsed: policy.None}, 502: {MaxElapsed: time.Second}},
		}, "policy: Codes[7] under HTTP status 429, 500..501: neither"},
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
		}}, "policy: Default: MaxAttempts has no limit and every wait is below 1ms: a call would send as fast as it can"},
		{"code", policy.Table{Codes: map[classify.Code]policy.Policy{"7": {MaxAttempts: policy.None, Backoff: unpaced}}}, "Codes[7]: MaxAttempts"},
		{"each half harmless, together not", policy.Table{
			Codes:    map[classify.Code]policy.Policy{"7": {Backoff: unpaced}},
			Statuses: map[int]policy.Policy{503: {MaxAttempts: policy.None}},
		}, "Codes[7] under HTTP status 503: MaxAttempts"},
		{"waits as good as none", policy.Table{Default: policy.Policy{
			MaxAttempts: policy.None, Backoff: policy.Backoff{Initial: 1, Max: time.Millisecond - 1},
		}}, "policy: Default: MaxAttempts"},
		{"waits that grow", policy.Table{Default: policy.Policy{
			MaxAttempts: policy.None, Backoff: policy.Backoff{Initial: 1, Max: time.Millisecond},
		}}, ""},
		{"a code with waits over a default without", policy.Table{
			Default: policy.Policy{Backoff: unpaced},
			Codes:   map[classify.Code]policy.Policy{"7": {MaxAttempts: policy.None, Backoff: policy.Backoff{Initial: time.Second}}},
		}, ""},
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

// However many combinations of code and status have no end, each layer with a part in it is named once: nobody reads a
// million lines.
func TestManyCallsWithoutEnd(t *testing.T) {
	table := policy.Table{Statuses: map[int]policy.Policy{}, Codes: map[classify.Code]policy.Policy{}}
	for i := range 100 {
		table.Statuses[500+i] = policy.Policy{MaxElapsed: time.Duration(i+1) * time.Second}
	}
	for i := range 2000 {
		table.Codes[classify.Code(strconv.Itoa(1+i))] = policy.Policy{MaxAttempts: policy.None, Cost: i%7 + 1}
	}
	_, err := policy.New(table)
	require.NoError(t, err)

	table.Codes["1999"] = policy.Policy{MaxAttempts: policy.None, MaxElapsed: policy.None}
	_, err = policy.New(table)
	require.EqualError(t, err, "policy: Codes[1999]: neither MaxAttempts nor MaxElapsed has a limit: a call would never end")

	table.Default.Backoff.Initial = policy.None
	_, err = policy.New(table)
	require.Len(t, told(t, err), 1+2000)

	table.Default.Backoff.Initial = 0
	for status := range table.Statuses {
		table.Statuses[status] = policy.Policy{MaxElapsed: policy.None}
	}
	table.Statuses[550] = policy.Policy{MaxElapsed: time.Second}
	_, err = policy.New(table)
	require.Len(t, told(t, err), 2000)
	require.ErrorContains(t, err, "policy: Codes[7] under HTTP status 500..549, 551..599: neither")
}

// large is a table of n codes under so many statuses, in which no two policies are alike.
func large(n, statuses int, p policy.Policy) policy.Table {
	t := policy.Table{Statuses: map[int]policy.Policy{}, Codes: map[classify.Code]policy.Policy{}}
	for i := range n {
		p.MaxElapsed = time.Minute + time.Duration(i)
		t.Codes[classify.Code(strconv.Itoa(i+1))] = p
	}
	for i := range statuses {
		p.MaxElapsed = time.Hour + time.Duration(i)
		t.Statuses[500+i-statuses/2] = p
	}
	return t
}

var largePolicies = map[string]policy.Policy{
	"bounded": {MaxAttempts: 3, Cost: 7}, "unbounded": {MaxAttempts: policy.None, Backoff: policy.Backoff{Initial: 10, Multiplier: 1.9}},
}

// What it takes to compile a table grows with the number of policies, not with that of codes under statuses.
func TestNewIsLinear(t *testing.T) {
	for name, p := range largePolicies {
		allocated := func(n, statuses int) float64 {
			table := large(n, statuses, p)
			return testing.AllocsPerRun(1, func() { _, _ = policy.New(table) })
		}
		require.Less(t, allocated(4000, 400), 12*(4000+400.), name)
		require.Less(t, allocated(4000, 4), 12*(4000+4.), name)
	}
}

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		for _, statuses := range []int{10, 100} {
			for name, p := range largePolicies {
				t := large(n, statuses, p)
				b.Run(name+"/codes="+strconv.Itoa(n)+"/statuses="+strconv.Itoa(statuses), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if _, err := policy.New(t); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
