package retry_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// What Explain says a call takes at worst is what it takes: each server here is as slow
// and as patient as it can be, and the bound is met, not only kept.
func TestExplainTellsTheWorst(t *testing.T) {
	for _, tt := range []struct {
		code  classify.Code
		after time.Duration
		over  policy.Policy
		sends int
		worst time.Duration
	}{
		{50, 0, policy.Policy{}, 3, 30 * time.Second},
		{50, 5 * time.Second, policy.Policy{}, 3, 40 * time.Second},
		{50, 20 * time.Second, policy.Policy{}, 2, 40 * time.Second},
		{50, 20 * time.Second, policy.Policy{MaxElapsed: policy.None}, 3, 70 * time.Second},
		{50, 0, policy.Policy{MaxElapsed: 15 * time.Second}, 2, 20 * time.Second},
		{50, 0, policy.Policy{MaxElapsed: 20*time.Second - 1}, 2, 20 * time.Second},
		{50, 0, policy.Policy{MaxElapsed: 20 * time.Second}, 3, 30 * time.Second},
		{-32602, 0, policy.Policy{}, 2, 20 * time.Second},
		{-32602, 20 * time.Second, policy.Policy{}, 2, 40 * time.Second},
		{30000, 20 * time.Second, policy.Policy{MaxElapsed: policy.None}, 2, 40 * time.Second},
		{30000, 20 * time.Second, policy.Policy{MaxElapsed: 30*time.Second - 1}, 1, 10 * time.Second},
		{-32603, 20 * time.Second, policy.Policy{MaxElapsed: policy.None}, 4, 100 * time.Second},
		{-32603, 0, policy.Policy{}, 4, 40 * time.Second},
		{140, time.Second, policy.Policy{}, 1, 10 * time.Second},
		{100, time.Second, policy.Policy{}, 1, 10 * time.Second},
	} {
		t.Run(fmt.Sprint(tt.code, " after ", tt.after, " in ", tt.over.MaxElapsed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := steady(t, policy.Table{Default: tt.over})
				slow := code(403, tt.code)
				slow.RetryAfter = tt.after
				answered := 0
				began := time.Now()
				err := retry.Do(t.Context(), newRetrier(t, retry.Config{Policies: set, Nonces: newLane(t)}), func(ctx context.Context) error {
					if answered++; tt.code == -32603 && tt.after == 0 && answered < 4 { // time for the last to begin at the very end
						time.Sleep(23 * time.Second / 3)
					} else {
						<-ctx.Done()
					}
					return slow
				}, retry.Fix(func(context.Context, *classify.Error) (bool, error) { return true, nil }))
				require.Error(t, err)
				require.Equal(t, tt.sends, answered)
				require.InDelta(t, tt.worst, time.Since(began), float64(time.Microsecond))
				e := set.Explain(tt.code)
				require.LessOrEqual(t, time.Since(began), e.MaxTime)
				require.LessOrEqual(t, answered, e.MaxSends)
			})
		})
	}
}

// Callers who were told the same time do not come back in one instant, whatever they
// come back for; and none of them comes too early.
func TestResyncsAndFixesThatWaitAreSpread(t *testing.T) {
	for _, c := range []classify.Code{50, 30010} {
		synctest.Test(t, func(t *testing.T) {
			later := code(429, c)
			later.RetryAfter = 10 * time.Second
			set, err := policy.Nexpay().With(policy.Table{})
			require.NoError(t, err)
			r := newRetrier(t, retry.Config{Policies: set})
			waits := map[time.Duration]bool{}
			for range 50 {
				s := play(later)
				require.NoError(t, retry.Do(t.Context(), r, s.op, retry.Fix(func(context.Context, *classify.Error) (bool, error) { return true, nil })))
				require.Len(t, s.sent, 2)
				require.GreaterOrEqual(t, s.sent[1], 10*time.Second)
				require.Less(t, s.sent[1], 11*time.Second)
				waits[s.sent[1]] = true
			}
			require.Greater(t, len(waits), 40)
		})
	}
}

// Of every class there are codes; 8 is one that nobody knows.
var worstCatalog = must(classify.NewCatalog("worst",
	classify.Rule{First: 1, Last: 2, Name: "Busy", Class: classify.Retryable},
	classify.Rule{First: 3, Last: 4, Name: "Nonce", Class: classify.Resync, Effect: classify.NotApplied},
	classify.Rule{First: 5, Last: 6, Name: "Wrong", Class: classify.FixAndResend, Effect: classify.NotApplied},
	classify.Rule{First: 7, Name: "No", Class: classify.Fatal, Effect: classify.NotApplied},
))

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A worstCase is a random table and what is known of calls under it.
type worstCase struct {
	set *policy.Set
	r   *retry.Retrier
}

func anyPolicy(t *rapid.T, name string, retryable bool) policy.Policy {
	duration := func(name string, most time.Duration) time.Duration {
		return time.Duration(rapid.Int64Range(1, int64(most)).Draw(t, name))
	}
	some := func(name string) bool { return rapid.Bool().Draw(t, name) }
	var p policy.Policy
	if some(name + " has attempts") {
		p.MaxAttempts = 1
		if retryable {
			p.MaxAttempts = rapid.SampledFrom([]int{policy.None, 1, 2, 3, 7}).Draw(t, name+" attempts")
		}
	}
	if some(name + " has backoff") {
		p.Backoff = policy.Backoff{
			Initial: duration("initial", 3*time.Second), Multiplier: rapid.Float64Range(1, 9).Draw(t, "multiplier"),
			Jitter: policy.Jitter(rapid.IntRange(0, 2).Draw(t, "jitter")),
		}
		p.Backoff.Max = max(p.Backoff.Initial, duration("max", 8*time.Second))
		if rapid.IntRange(0, 5).Draw(t, "no wait") == 0 {
			p.Backoff.Initial, p.Backoff.Max = policy.None, 0
		}
	}
	if some(name + " has elapsed") {
		p.MaxElapsed = rapid.SampledFrom([]time.Duration{policy.None, 1, duration("elapsed", time.Minute)}).Draw(t, name+" elapsed")
	}
	if some(name + " has max-retry-after") {
		p.MaxRetryAfter = rapid.SampledFrom([]time.Duration{policy.None, 1, duration("after", time.Minute)}).Draw(t, name+" max-retry-after")
	}
	return p
}

func anyWorstCase(t *rapid.T) worstCase {
	table := policy.Table{Catalog: worstCatalog, Default: anyPolicy(t, "default", true),
		Classes: map[classify.Class]policy.Policy{}, Statuses: map[int]policy.Policy{}, Codes: map[classify.Code]policy.Policy{}}
	table.AttemptTimeout = time.Duration(rapid.SampledFrom([]int64{0, 1, int64(time.Second), int64(20 * time.Second)}).Draw(t, "attempt timeout"))
	for _, c := range []classify.Class{classify.Retryable, classify.Resync, classify.FixAndResend} {
		table.Classes[c] = anyPolicy(t, c.String(), c == classify.Retryable)
	}
	for _, status := range []int{403, 429, 503} {
		table.Statuses[status] = anyPolicy(t, fmt.Sprint(status), status != 403)
	}
	for c := classify.Code(1); c <= 7; c++ {
		table.Codes[c] = anyPolicy(t, fmt.Sprint("code ", c), c <= 2)
	}
	set, err := policy.New(table)
	if err != nil {
		t.Skip("refused: ", err)
	}
	cfg := retry.Config{Policies: set, Budget: retry.NoBudget()}
	if rapid.Bool().Draw(t, "a lane") {
		cfg.Nonces, err = nonce.NewLane(nonce.LaneConfig{Key: "lane"})
		require.NoError(t, err)
	}
	r, err := retry.New(cfg)
	require.NoError(t, err)
	return worstCase{set, r}
}

// A played is what became of one call.
type played struct {
	sends, fixes int
	took         time.Duration // all but the sends, where nothing bounds them, and Fix
	saw          []policy.Explanation
}

// enough is when a server answers at last: a call without a bound on its sends would
// keep the test busy.
const enough = 150

// play sends one call to a server that answers one of the codes under one of the
// statuses each time.
func (w *worstCase) play(t *rapid.T, codes []classify.Code, statuses []int) played {
	var p played
	var apart time.Duration
	began := time.Now()
	_ = retry.Do(context.Background(), w.r, func(ctx context.Context) error {
		if p.sends++; p.sends == enough {
			return nil
		}
		p.send(t, w.set.AttemptTimeout(), &apart)
		e := code(rapid.SampledFrom(statuses).Draw(t, "status"), rapid.SampledFrom(codes).Draw(t, "code"))
		explained := w.set.ExplainVerdict(worstCatalog.Classify(e))
		if most := explained.Policy.MaxRetryAfter; rapid.Bool().Draw(t, "asks to wait") {
			e.RetryAfter = rapid.SampledFrom([]time.Duration{1, time.Second, max(most-1, 1), max(most, 1), max(most+1, 1), time.Hour}).Draw(t, "Retry-After")
			explained = w.set.ExplainVerdict(worstCatalog.Classify(e)) // a bare 4xx with one is another matter
		}
		p.saw = append(p.saw, explained)
		return e
	}, retry.Fix(func(context.Context, *classify.Error) (bool, error) {
		p.fixes++
		took := time.Duration(rapid.IntRange(0, 3).Draw(t, "fixing")) * time.Second
		time.Sleep(took)
		apart += took
		return rapid.IntRange(0, 4).Draw(t, "changed") > 0, nil
	}))
	p.took = time.Since(began) - apart
	return p
}

// send takes as long as a send may. Where nothing bounds that, Explain leaves it out.
func (p *played) send(t *rapid.T, timeout time.Duration, apart *time.Duration) {
	most := timeout
	if most == 0 {
		most = 20 * time.Second
	}
	took := rapid.SampledFrom([]time.Duration{0, most / 2, most}).Draw(t, "took")
	time.Sleep(took)
	if timeout == 0 {
		*apart += took
	}
}

// Whatever the table, the server's patience and its answers: a call that gets one code
// only, under one status, is never longer than Explain says.
func TestExplainBoundsEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(noDeadline{t}, func(t *rapid.T) {
			w := anyWorstCase(t)
			c := classify.Code(rapid.IntRange(0, 8).Draw(t, "the code"))
			status := rapid.SampledFrom([]int{0, 400, 403, 429, 500, 503}).Draw(t, "the status")
			p := w.play(t, []classify.Code{c}, []int{status})
			e := p.saw[0]
			if slices.ContainsFunc(p.saw, func(other policy.Explanation) bool { return other != e }) {
				t.Skip("a bare 4xx with Retry-After, and without")
			}
			if e.MaxSends != policy.None {
				require.LessOrEqual(t, p.sends, e.MaxSends, "%v", e)
			}
			if e.MaxTime != policy.None {
				require.LessOrEqual(t, p.took, e.MaxTime, "%v", e)
			}
		})
	})
}

// Several codes in one call share one account: see docs/design.md.
func TestMixturesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(noDeadline{t}, func(t *rapid.T) {
			w := anyWorstCase(t)
			p := w.play(t, []classify.Code{0, 1, 2, 3, 4, 5, 6, 8}, []int{400, 403, 429, 500, 503})
			sends, last := 1, time.Duration(0)
			for _, e := range p.saw {
				if e.Rule.Class == classify.Retryable && sends != policy.None && (e.Policy.MaxAttempts > sends || e.Policy.MaxAttempts == policy.None) {
					sends = e.Policy.MaxAttempts
				}
				if last != policy.None && (e.Policy.MaxElapsed > last || e.Policy.MaxElapsed == policy.None) {
					last = e.Policy.MaxElapsed
				}
			}
			require.LessOrEqual(t, p.fixes, 5)
			if sends != policy.None {
				require.LessOrEqual(t, p.sends, sends+2+p.fixes)
			}
			if last != policy.None {
				require.LessOrEqual(t, p.took, last+w.set.AttemptTimeout())
			}
		})
	})
}
