package metrics_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/metrics"
	"github.com/nexpay-go/resilience/retry"
)

// A store holds what was measured, by metric and labels.
type store map[*metrics.Instrument]map[string]float64

func (s store) bind(in *metrics.Instrument, values []string) metrics.Measure {
	if s[in] == nil {
		s[in] = map[string]float64{}
	}
	key := fmt.Sprintf("%q", values)
	if _, ok := s[in][key]; ok {
		panic("twice the same series " + key)
	}
	s[in][key] = 0
	return func(_ context.Context, v float64) { s[in][key] += v }
}

// Whatever comes in whatever order, no metric has more series than it may, none is made
// twice, every call is counted once, and what is added for a doubt is taken off the same series.
func TestTableIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.SampledFrom([]int{0, 100, 150}).Draw(t, "MaxSeries")
		s := store{}
		r := metrics.NewRecorder(most, s.bind)
		kinds := rapid.SampledFrom([]int{1, 3, 50, 100_000})
		names, endpoints, rules := kinds.Draw(t, "names"), kinds.Draw(t, "endpoints"), kinds.Draw(t, "rules")
		reasons := []string{"success", "fatal", "attempts", "elapsed", "budget", "open", "outcome_unknown", "panic"}
		calls := rapid.IntRange(1, 600).Draw(t, "calls")
		seed := rapid.Uint32().Draw(t, "seed")
		next := func(n int) int { seed = seed*1664525 + 1013904223; return int(seed>>8) % n }
		for range calls {
			reason := reasons[next(len(reasons))]
			c := retry.Call{
				Name: fmt.Sprint("operation ", next(names)), Endpoint: fmt.Sprint("endpoint ", next(endpoints)),
				Reason: reason, Failed: reason != "success", Rule: fmt.Sprint("rule ", next(rules)), Attempts: 1, InDoubt: next(2) == 0,
			}
			if c.InDoubt {
				r.OnEvent(context.Background(), retry.Event{Kind: retry.EventDoubt, Name: c.Name})
			}
			r.OnAttempt(context.Background(), c)
			c.Took = 1e9
			r.OnCall(context.Background(), c)
		}
		total := 0.0
		for _, v := range s[metrics.CallDuration] {
			total += v
		}
		require.InDelta(t, calls, total, 0.001)
		for _, v := range s[metrics.InDoubt] {
			require.Zero(t, v)
		}
		for in, series := range s {
			require.LessOrEqual(t, len(series), metrics.Series(most), in.Name)
		}
	})
}

// No number of errors drives out the success of one of the first hundred operations, nor the
// other way round, and what ended how is told in any case.
func TestNothingIsDrivenOut(t *testing.T) {
	ctx := context.Background()
	call := func(i int, rule string) retry.Call {
		c := retry.Call{Name: fmt.Sprint("operation ", i), Reason: "success"}
		if rule != "" {
			c.Reason, c.Failed, c.Rule = "fatal", true, rule
		}
		return c
	}
	s := store{}
	r := metrics.NewRecorder(0, s.bind)
	for i := range 1000 {
		r.OnCall(ctx, call(0, fmt.Sprint("rule ", i)))
	}
	for i := range 1000 {
		r.OnCall(ctx, call(i, ""))
	}
	seen := s[metrics.CallDuration]
	for i := range 100 {
		require.Contains(t, seen, fmt.Sprintf(`["operation %d" "" "success" ""]`, i))
	}
	require.Contains(t, seen, `["other" "" "success" ""]`)
	require.Contains(t, seen, `["operation 0" "" "fatal" "rule 0"]`)
	require.Contains(t, seen, `["operation 0" "" "fatal" "other"]`)

	s = store{}
	r = metrics.NewRecorder(0, s.bind)
	for i := range 1000 {
		r.OnCall(ctx, call(i, ""))
	}
	r.OnCall(ctx, call(1, "rule"))
	require.Contains(t, s[metrics.CallDuration], `["operation 1" "" "fatal" "rule"]`)
}

func TestErrorType(t *testing.T) {
	for want, c := range map[string]retry.Call{
		"":               {Rule: "of an attempt before", Class: classify.Retryable},
		"Internal error": {Failed: true, Rule: "Internal error", Class: classify.Retryable},
		"retryable":      {Failed: true, Class: classify.Retryable, Reason: "attempts"},
		"open":           {Failed: true, Reason: "open"},
		"unclassified":   {Failed: true},
	} {
		require.Equal(t, want, metrics.ErrorType(&c))
	}
	for want, v := range map[string]classify.Verdict{
		"unclassified": {}, "fatal": {Class: classify.Fatal}, "HTTP 503": {Status: 503, Rule: "HTTP 503"},
		"HTTP 7xx": {Status: 799, Rule: "HTTP 799"}, "API key locked": {Status: 799, Rule: "API key locked"},
	} {
		require.Equal(t, want, metrics.ErrorTypeOf(&v))
	}
}

// A decline is the API's answer, and not among the failures.
func TestDeclinesAreNoFailures(t *testing.T) {
	s := store{}
	r := metrics.NewRecorder(0, s.bind)
	r.OnCall(t.Context(), retry.Call{Name: "pay", Reason: "fatal", Failed: true, Declined: true, Rule: "card declined", Took: 1e9})
	r.OnCall(t.Context(), retry.Call{Name: "pay", Reason: "fatal", Failed: true, Rule: "API key locked", Took: 1e9})
	require.Equal(t, map[string]float64{
		`["pay" "" "declined" "card declined"]`: 1, `["pay" "" "fatal" "API key locked"]`: 1,
	}, s[metrics.CallDuration])
}

// The names are those of the design, and in Prometheus those of its conventions.
func TestNames(t *testing.T) {
	names := map[string]string{}
	for _, in := range metrics.All() {
		names[in.Name] = in.Prometheus()
		require.Len(t, in.Values(metrics.Labels{}), len(in.Labels))
		require.NotEmpty(t, in.Help)
	}
	page, err := os.ReadFile("../../docs/observe.md")
	require.NoError(t, err)
	for _, in := range metrics.All() {
		kind := map[metrics.Kind]string{
			metrics.Histogram: "histogram", metrics.Counter: "counter", metrics.UpDown: "up-down counter",
			metrics.ObservedGauge: "gauge", metrics.ObservedCounter: "counter",
		}[in.Kind]
		labels := cmp.Or(strings.Join(in.Labels, ", "), "none")
		require.Contains(t, string(page), fmt.Sprintf("\n| `%s` | `%s` | %s, %s | %s |", in.Name, in.Prometheus(), kind, in.Unit, labels))
	}
	require.Equal(t, map[string]string{
		"resilience.call.duration": "resilience_call_duration_seconds", "resilience.attempt.duration": "resilience_attempt_duration_seconds",
		"resilience.resends": "resilience_resends_total", "resilience.resend.delay": "resilience_resend_delay_seconds",
		"resilience.breaker.state": "resilience_breaker_state", "resilience.breaker.refused": "resilience_breaker_refused_total",
		"resilience.breaker.transitions": "resilience_breaker_transitions_total", "resilience.budget.tokens": "resilience_budget_tokens", "resilience.journal.failing": "resilience_journal_failing",
		"resilience.lane.waiting": "resilience_lane_waiting", "resilience.lane.in_flight": "resilience_lane_in_flight",
		"resilience.lane.limit": "resilience_lane_limit", "resilience.lane.refusals": "resilience_lane_refusals_total",
		"resilience.lane.foreign": "resilience_lane_foreign_total", "resilience.lane.nonce.ahead": "resilience_lane_nonce_ahead_seconds",
		"resilience.lockout.locked": "resilience_lockout_locked", "resilience.payments.in_doubt": "resilience_payments_in_doubt",
		"resilience.payments.lookups": "resilience_payments_lookups_total", "resilience.payments.undecided": "resilience_payments_undecided_total",
		"resilience.unknown_codes": "resilience_unknown_codes_total",
	}, names)
}

// A hook of the program's that ends the goroutine has nobody miscounted.
func TestHookThatExits(t *testing.T) {
	s := store{}
	rec := metrics.NewRecorder(0, s.bind)
	var cfg retry.Config
	cfg.OnEvent = func(_ context.Context, e retry.Event) {
		if e.Kind == retry.EventDoubt {
			runtime.Goexit()
		}
	}
	cfg.OnCall = func(context.Context, retry.Call) { runtime.Goexit() }
	rec.Attach(&cfg, nil)
	r, err := retry.New(cfg)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = retry.DoOnce(t.Context(), r, retry.Operation[int]{
			ID: "1", Send: func(context.Context) (int, error) { return 0, errors.New("lost") },
		})
	}()
	<-done
	require.Equal(t, map[string]float64{`[""]`: 0}, s[metrics.InDoubt])
	require.Len(t, s[metrics.CallDuration], 1)
	require.EqualValues(t, 1, s[metrics.Undecided]["[]"])
}
