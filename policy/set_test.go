package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

var retryable = classify.Verdict{Class: classify.Retryable, Code: "-32603", Status: 500}

// The defaults, as documented.
func TestBuiltIn(t *testing.T) {
	standard := policy.Policy{
		MaxAttempts:   4,
		Backoff:       policy.Backoff{Initial: 200 * time.Millisecond, Max: 5 * time.Second, Multiplier: 2},
		MaxElapsed:    30 * time.Second,
		MaxRetryAfter: 20 * time.Second,
		Cost:          10,
		Breaker:       policy.Failure,
	}
	with := func(change func(*policy.Policy)) policy.Policy {
		p := standard
		change(&p)
		return p
	}
	patient := with(func(p *policy.Policy) {
		p.MaxElapsed, p.MaxRetryAfter, p.Cost = 90*time.Second, time.Minute, 5
	})
	alive := with(func(p *policy.Policy) { p.Breaker = policy.Success })
	once := func(m policy.BreakerMode) policy.Policy {
		return with(func(p *policy.Policy) { p.MaxAttempts, p.Breaker = 1, m })
	}
	suspended := once(policy.Trip)

	for _, tt := range []struct {
		name             string
		v                classify.Verdict
		standard, nexpay policy.Policy
	}{
		{"-32603", retryable, standard, standard},
		{"503", classify.Verdict{Class: classify.Retryable, Status: 503}, standard, standard},
		{"429", classify.Verdict{Class: classify.Retryable, Status: 429}, patient, patient},
		{"130", classify.Verdict{Class: classify.Retryable, Code: "130", Status: 403}, standard, suspended},
		{"140", classify.Verdict{Class: classify.Retryable, Code: "140", Status: 403}, standard, suspended},
		{"50", classify.Verdict{Class: classify.Resync, Code: "50", Status: 403}, alive, alive},
		{"30010", classify.Verdict{Class: classify.FixAndResend, Code: "30010", Status: 400}, alive, alive},
		{"40", classify.Verdict{Class: classify.Fatal, Code: "40", Status: 403}, once(policy.Success), once(policy.Success)},
		{"nobody knows", classify.Verdict{}, once(policy.Ignored), once(policy.Ignored)},
		{"an invalid class", classify.Verdict{Class: 77}, once(policy.Ignored), once(policy.Ignored)},
		{"the class after the last", classify.Verdict{Class: classify.Fatal + 1}, once(policy.Ignored), once(policy.Ignored)},
		{"a status after the last", classify.Verdict{Class: classify.Retryable, Status: 600}, standard, standard},
		{"a status below none", classify.Verdict{Class: classify.Retryable, Status: -1}, standard, standard},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.standard, policy.Standard().For(tt.v), "Standard")
			require.Equal(t, tt.nexpay, policy.Nexpay().For(tt.v), "Nexpay")
		})
	}
	require.Equal(t, 10*time.Second, policy.Nexpay().AttemptTimeout())
	require.Zero(t, policy.Standard().AttemptTimeout())
}

// Every field comes from the first level that sets it.
func TestInheritance(t *testing.T) {
	set, err := policy.New(policy.Table{
		Default:  policy.Policy{MaxAttempts: 2, Cost: 2, MaxElapsed: 2 * time.Minute, MaxRetryAfter: 2 * time.Second},
		Classes:  map[classify.Class]policy.Policy{classify.Retryable: {MaxAttempts: 3, Cost: 3, MaxElapsed: 3 * time.Minute}},
		Statuses: map[int]policy.Policy{500: {MaxAttempts: 4, Cost: 4}},
		Codes:    map[classify.Code]policy.Policy{"-32603": {MaxAttempts: 5}},
	})
	require.NoError(t, err)

	p := set.For(retryable)
	require.Equal(t, 5, p.MaxAttempts, "from the code")
	require.Equal(t, 4, p.Cost, "from the status")
	require.Equal(t, 3*time.Minute, p.MaxElapsed, "from the class")
	require.Equal(t, 2*time.Second, p.MaxRetryAfter, "from the default")
	require.Equal(t, policy.Failure, p.Breaker, "from Standard")

	p = set.For(classify.Verdict{Class: classify.Retryable, Status: 429})
	require.Equal(t, 3*time.Minute, p.MaxElapsed, "the class of the table wins over what Standard says of 429")
	require.Equal(t, 3, p.Cost)
}

// A backoff is inherited whole: half of one and half of another make neither.
func TestBackoffIsInheritedWhole(t *testing.T) {
	set, err := policy.New(policy.Table{
		Default: policy.Policy{Backoff: policy.Backoff{Initial: time.Second, Max: time.Minute, Jitter: policy.JitterNone}},
		Codes:   map[classify.Code]policy.Policy{"-32603": {Backoff: policy.Backoff{Initial: 2 * time.Second}}},
	})
	require.NoError(t, err)
	require.Equal(t, policy.Backoff{Initial: 2 * time.Second}, set.For(retryable).Backoff)
}

// None stands against inheritance and comes out as it went in.
func TestNone(t *testing.T) {
	set, err := policy.New(policy.Table{Codes: map[classify.Code]policy.Policy{
		"-32603": {MaxAttempts: policy.None, MaxRetryAfter: policy.None, Cost: policy.None},
	}})
	require.NoError(t, err)
	p := set.For(retryable)
	require.Equal(t, policy.None, p.MaxAttempts)
	require.Equal(t, time.Duration(policy.None), p.MaxRetryAfter)
	require.Equal(t, policy.None, p.Cost)
	require.Equal(t, 30*time.Second, p.MaxElapsed)
}

func TestWithKeepsWhatItDoesNotName(t *testing.T) {
	set, err := policy.Nexpay().With(policy.Table{Codes: map[classify.Code]policy.Policy{
		"-32603": {MaxAttempts: 6},
		"130":    {Breaker: policy.Ignored},
	}})
	require.NoError(t, err)
	require.Equal(t, 6, set.For(retryable).MaxAttempts)
	suspended := set.For(classify.Verdict{Class: classify.Retryable, Code: "130"})
	require.Equal(t, 1, suspended.MaxAttempts, "kept")
	require.Equal(t, policy.Ignored, suspended.Breaker, "changed")
	require.Equal(t, 10*time.Second, set.AttemptTimeout(), "kept")
	require.Equal(t, 4, policy.Nexpay().For(retryable).MaxAttempts, "the original is as it was")

	none, err := policy.Nexpay().With(policy.Table{AttemptTimeout: policy.None})
	require.NoError(t, err)
	require.Zero(t, none.AttemptTimeout())
}

// A Set is a value of its own: the caller's maps may go on changing.
func TestNewCopies(t *testing.T) {
	codes := map[classify.Code]policy.Policy{"-32603": {MaxAttempts: 6}}
	set, err := policy.New(policy.Table{Codes: codes})
	require.NoError(t, err)
	codes["-32603"] = policy.Policy{MaxAttempts: 9}
	require.Equal(t, 6, set.For(retryable).MaxAttempts)
}

// Against a model that asks level after level for each field.
func TestForAgainstModel(t *testing.T) {
	levels := func(t *rapid.T, set policy.Table, v classify.Verdict) []policy.Policy {
		return []policy.Policy{set.Codes[v.Code], set.Statuses[v.Status], set.Classes[v.Class], set.Default}
	}
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.Custom(func(t *rapid.T) policy.Policy {
			return policy.Policy{
				MaxAttempts: rapid.IntRange(0, 3).Draw(t, "attempts"),
				MaxElapsed:  time.Duration(rapid.IntRange(-1, 2).Draw(t, "elapsed")),
				Cost:        rapid.IntRange(-1, 2).Draw(t, "cost"),
				Breaker:     policy.BreakerMode(rapid.IntRange(0, 4).Draw(t, "breaker")),
			}
		})
		table := policy.Table{
			Default:  some.Draw(t, "default"),
			Classes:  map[classify.Class]policy.Policy{classify.Retryable: some.Draw(t, "class")},
			Statuses: map[int]policy.Policy{500: some.Draw(t, "500"), 503: some.Draw(t, "503")},
			Codes:    map[classify.Code]policy.Policy{"1": some.Draw(t, "1"), "2": some.Draw(t, "2")},
		}
		v := classify.Verdict{
			Class:  classify.Retryable,
			Status: rapid.SampledFrom([]int{0, 500, 503, 504}).Draw(t, "status"),
			Code:   rapid.SampledFrom([]classify.Code{"", "1", "2", "3"}).Draw(t, "code"),
		}
		set, err := policy.New(table)
		require.NoError(t, err)
		got := set.For(v)

		want := policy.Standard().For(classify.Verdict{Class: classify.Retryable})
		for _, level := range levels(t, table, v) {
			if level.MaxAttempts != 0 {
				want.MaxAttempts = level.MaxAttempts
				break
			}
		}
		for _, level := range levels(t, table, v) {
			if level.MaxElapsed != 0 {
				want.MaxElapsed = level.MaxElapsed
				break
			}
		}
		for _, level := range levels(t, table, v) {
			if level.Cost != 0 {
				want.Cost = level.Cost
				break
			}
		}
		for _, level := range levels(t, table, v) {
			if level.Breaker != 0 {
				want.Breaker = level.Breaker
				break
			}
		}
		require.Equal(t, want, got)
	})
}

func TestForAllocatesNothing(t *testing.T) {
	set := policy.Nexpay()
	require.Zero(t, testing.AllocsPerRun(100, func() { set.For(retryable) }))
}

func BenchmarkFor(b *testing.B) {
	set := policy.Nexpay()
	for b.Loop() {
		set.For(retryable)
	}
}

// A table that is changed after New changes no Set.
func TestTableMayBeChangedAfterwards(t *testing.T) {
	table := policy.Table{
		Classes:  map[classify.Class]policy.Policy{classify.Retryable: {Cost: 1}},
		Statuses: map[int]policy.Policy{503: {Cost: 2}},
		Codes:    map[classify.Code]policy.Policy{"7": {Cost: 3}},
	}
	set, err := policy.New(table)
	require.NoError(t, err)
	table.Classes[classify.Retryable] = policy.Policy{Cost: 100}
	table.Statuses[503] = policy.Policy{Cost: 100}
	table.Codes["7"] = policy.Policy{Cost: 100}
	table.Codes["8"] = policy.Policy{Cost: 100}

	require.Equal(t, []classify.Code{"7"}, set.Codes())
	set.Codes()[0] = "9"
	require.Equal(t, []classify.Code{"7"}, set.Codes())
	with, err := set.With(policy.Table{AttemptTimeout: time.Second})
	require.NoError(t, err)
	require.Equal(t, []classify.Code{"7"}, with.Codes())
	for _, s := range []*policy.Set{set, with} {
		require.Equal(t, 1, s.For(classify.Verdict{Class: classify.Retryable}).Cost)
		require.Equal(t, 2, s.For(classify.Verdict{Class: classify.Retryable, Status: 503}).Cost)
		require.Equal(t, 3, s.For(classify.Verdict{Class: classify.Retryable, Code: "7"}).Cost)
	}
}

func TestBreakerModeStrings(t *testing.T) {
	for want, m := range map[string]policy.BreakerMode{
		"inherit": 0, "failure": policy.Failure, "ignored": policy.Ignored, "success": policy.Success, "trip": policy.Trip,
		"invalid": policy.Trip + 1,
	} {
		require.Equal(t, want, m.String())
	}
}
