package policy_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/policy"
)

// Whatever is configured, a wait is between the bounds of its jitter, which are
// between zero and Max. backoff/v4 by itself overshoots its cap by half and
// turns negative near overflow.
func TestDelayStaysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := policy.Backoff{
			Initial:    time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "initial")),
			Multiplier: rapid.Float64Range(1, math.MaxFloat64).Draw(t, "multiplier"),
			Jitter:     policy.Jitter(rapid.IntRange(0, 2).Draw(t, "jitter")),
		}
		b.Max = time.Duration(rapid.Int64Range(int64(b.Initial), math.MaxInt64).Draw(t, "max"))
		n := rapid.IntRange(1, 70).Draw(t, "n")

		d, longest := b.Delay(n), b.Longest(n)
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, longest)
		require.LessOrEqual(t, longest, b.Max)
		require.LessOrEqual(t, longest, b.Longest(n+1), "it never falls")
		switch b.Jitter {
		case policy.JitterEqual:
			require.GreaterOrEqual(t, d, longest/2)
		case policy.JitterNone:
			require.Equal(t, longest, d)
		}
	})
}

// The ends of what can be set and asked.
func TestDelayAtTheExtremes(t *testing.T) {
	for range 1000 {
		require.LessOrEqual(t, policy.Backoff{Initial: 1, Max: 1}.Delay(1), time.Duration(1))
		require.GreaterOrEqual(t, policy.Backoff{Initial: math.MaxInt64}.Delay(2), time.Duration(0))
		require.LessOrEqual(t, policy.Backoff{Initial: 1}.Delay(1), time.Duration(1), "no more than the wait")
		require.Contains(t, []time.Duration{2, 3}, policy.Backoff{Initial: 3, Max: 3, Jitter: policy.JitterEqual}.Delay(1))
	}
	require.Equal(t, 5*time.Second, policy.Backoff{Initial: time.Second}.Longest(math.MaxInt), "and that at once")
}

// The waits double and then stay at the maximum.
func TestLongest(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    policy.Backoff
		want []time.Duration
	}{
		{"defaults where a field is set", policy.Backoff{Jitter: policy.JitterEqual},
			[]time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond, 3200 * time.Millisecond, 5 * time.Second, 5 * time.Second}},
		{"own", policy.Backoff{Initial: time.Second, Max: 10 * time.Second, Multiplier: 3},
			[]time.Duration{time.Second, 3 * time.Second, 9 * time.Second, 10 * time.Second, 10 * time.Second}},
		{"constant", policy.Backoff{Initial: time.Second, Multiplier: 1},
			[]time.Duration{time.Second, time.Second, time.Second}},
		{"long from the start", policy.Backoff{Initial: time.Minute},
			[]time.Duration{time.Minute, time.Minute}},
		{"no wait", policy.Backoff{Initial: policy.None},
			[]time.Duration{0, 0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i, want := range tt.want {
				require.Equal(t, want, tt.b.Longest(i+1), "wait %d", i+1)
			}
			require.Zero(t, tt.b.Delay(0))
			require.Zero(t, tt.b.Delay(-1))
		})
	}
}

// A uniform draw from [0, 200 ms] has a mean of 100 ms: that is what "full"
// jitter says and "equal" does not. Over 20,000 draws the mean is within 2 ms,
// five standard deviations, and the extremes are approached.
func TestJitterIsWhatItsNameSays(t *testing.T) {
	const draws = 20_000
	for jitter, want := range map[policy.Jitter]struct{ low, mean time.Duration }{
		policy.JitterFull:  {0, 100 * time.Millisecond},
		policy.JitterEqual: {100 * time.Millisecond, 150 * time.Millisecond},
		policy.JitterNone:  {200 * time.Millisecond, 200 * time.Millisecond},
	} {
		for name, wait := range map[string]func() time.Duration{
			"at first": func() time.Duration { return policy.Backoff{Initial: 200 * time.Millisecond, Jitter: jitter}.Delay(1) },
			"at the maximum": func() time.Duration {
				return policy.Backoff{Initial: 1, Max: 200 * time.Millisecond, Jitter: jitter}.Delay(99)
			},
			"from the maximum": func() time.Duration {
				return policy.Backoff{Initial: 200 * time.Millisecond, Max: 200 * time.Millisecond, Jitter: jitter}.Delay(1)
			},
		} {
			t.Run(jitter.String()+" "+name, func(t *testing.T) {
				var sum, high time.Duration
				low := time.Duration(math.MaxInt64)
				for range draws {
					d := wait()
					sum, low, high = sum+d, min(low, d), max(high, d)
				}
				require.InDelta(t, want.mean, sum/draws, float64(2*time.Millisecond))
				require.InDelta(t, want.low, low, float64(time.Millisecond))
				require.InDelta(t, 200*time.Millisecond, high, float64(time.Millisecond))
			})
		}
	}
}

func TestJitterStrings(t *testing.T) {
	for want, j := range map[string]policy.Jitter{
		"full": policy.JitterFull, "equal": policy.JitterEqual, "none": policy.JitterNone, "invalid": policy.JitterNone + 1,
	} {
		require.Equal(t, want, j.String())
	}
}

func TestDelayAllocatesNothing(t *testing.T) {
	b := policy.Backoff{Initial: time.Millisecond}
	require.Zero(t, testing.AllocsPerRun(100, func() { b.Delay(3) }))
}

func FuzzDelay(f *testing.F) {
	f.Add(int64(0), int64(0), 0.0, uint8(0), 1)
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), 2.0, uint8(1), 64)
	f.Add(int64(-5), int64(-1), math.Inf(1), uint8(7), math.MaxInt)
	f.Fuzz(func(t *testing.T, initial, maximum int64, multiplier float64, jitter uint8, n int) {
		b := policy.Backoff{
			Initial: time.Duration(initial), Max: time.Duration(maximum),
			Multiplier: multiplier, Jitter: policy.Jitter(jitter),
		}
		if _, err := policy.New(policy.Table{Default: policy.Policy{Backoff: b}}); err != nil {
			return // refused, so it never waits
		}
		d := b.Delay(n)
		if d < 0 {
			t.Fatalf("%+v.Delay(%d) = %v", b, n, d)
		}
		if maximum > 0 && d > b.Max {
			t.Fatalf("%+v.Delay(%d) = %v, above Max", b, n, d)
		}
		if longest := b.Longest(n); d > longest || n < math.MaxInt && longest > b.Longest(n+1) {
			t.Fatalf("%+v.Delay(%d) = %v, the longest %v and then %v", b, n, d, longest, b.Longest(n+1))
		}
	})
}

func BenchmarkDelay(b *testing.B) {
	backoff := policy.Standard().For(retryable).Backoff
	for b.Loop() {
		backoff.Delay(2)
	}
}
