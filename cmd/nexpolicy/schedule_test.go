package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

func TestSVG(t *testing.T) {
	for _, args := range [][]string{{"-32603"}, {"100"}, {"-32603", "--file", file(t, "extends: nexpay\ndefault: {attempts: none, elapsed: 10m}\n")},
		{"7", "--file", file(t, "name: x\nrules: [{code: 7, name: <script>, class: retryable}]\n")}} {
		name := filepath.Join(t.TempDir(), "waits.svg")
		got := on(0, "", append([]string{"schedule", "--svg", name}, args...)...)
		require.Equal(t, exitFine, got.exit, got.errs)
		drawn, err := os.ReadFile(name)
		require.NoError(t, err)
		decoder := xml.NewDecoder(bytes.NewReader(drawn))
		for {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
		}
		require.Contains(t, string(drawn), "is retried")
		require.NotContains(t, string(drawn), "<script")
	}
}

// With numbers as large or small as they come, no time is negative, runs back or is cut off, and what is printed ends.
func TestScheduleOfExtremes(t *testing.T) {
	const longest = "2562047h47m16.854775807s"
	for settings, want := range map[string]string{
		"attempts: 2147483648, elapsed: none, backoff: {initial: 2000000h, max: 2562047h, jitter: none}":                    "3  at 292 years or more",
		"attempts: 30, elapsed: " + longest + ", backoff: {initial: 1s, max: 2562047h, multiplier: 1e308}":                  "4  0s to 292 years or more",
		"attempts: 9223372036854775807, elapsed: none, backoff: {initial: 1m, max: 1m, multiplier: 1.0000001}":              "25  0s to 24m",
		"attempts: none, elapsed: " + longest + ", backoff: {initial: " + longest + ", max: " + longest + ", jitter: none}": "2  at 292 years or more  292 years or more",
		"attempts: 5, backoff: {initial: 1ns, max: 100us, jitter: equal}":                                                   "5  7ns to 15ns  4ns to 8ns",
		"attempts: 3, backoff: {initial: 1500us, multiplier: 1.001, jitter: none}":                                          "3  at 3.001ms  1.501ms",
	} {
		name := filepath.Join(t.TempDir(), "waits.svg")
		args := []string{"schedule", "7", "--file", file(t, "name: t\nrules: [{code: 7, name: busy, class: retryable}]\ndefault: {"+settings+"}\n")}
		got := on(0, "", args...)
		require.Equal(t, exitFine, got.exit, got.errs)
		require.NotContains(t, got.out, " -")
		require.Less(t, strings.Count(got.out, "\n"), 35)
		require.Contains(t, got.out, want)

		drawn := on(0, "", append(args, "--svg", name)...)
		if strings.Contains(got.out, "years") {
			require.Equal(t, exitMistaken, drawn.exit)
			require.Contains(t, drawn.errs, "nexpolicy: cannot draw the schedule: the last send may begin 292 years after the call or later")
			require.NoFileExists(t, name)
			continue
		}
		require.Equal(t, exitFine, drawn.exit, drawn.errs)
		require.FileExists(t, name)
	}
}

func TestScheduleRises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		duration := rapid.OneOf(rapid.Just(forEver), rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(1)<<rapid.IntRange(0, 62).Draw(t, "bits") + time.Duration(rapid.IntRange(0, 1000).Draw(t, "more"))
		}))
		first, most := duration.Draw(t, "initial"), duration.Draw(t, "max")
		p := policy.Policy{
			MaxAttempts: rapid.SampledFrom([]int{1, 2, 30, 1<<31 - 1, math.MaxInt}).Draw(t, "attempts"),
			MaxElapsed:  rapid.OneOf(rapid.Just(time.Duration(policy.None)), duration).Draw(t, "elapsed"),
			Backoff: policy.Backoff{
				Initial: min(first, most), Max: most, Multiplier: rapid.SampledFrom([]float64{0, 1, 1.0000001, 3, 1e18, 1e308}).Draw(t, "multiplier"),
				Jitter: rapid.SampledFrom([]policy.Jitter{policy.JitterFull, policy.JitterEqual, policy.JitterNone}).Draw(t, "jitter"),
			},
		}
		set, err := policy.New(policy.Table{Default: p})
		require.NoError(t, err)
		e := set.ExplainVerdict(classify.Verdict{Class: classify.Retryable, Status: 503})
		sends := schedule(e)
		require.LessOrEqual(t, len(sends), mostSends)
		for i, s := range sends {
			require.True(t, 0 <= s.shortest && s.shortest <= s.longest && s.longest <= most, "%+v", s)
			require.True(t, 0 <= s.earliest && s.earliest <= s.latest, "%+v", s)
			if i > 0 {
				require.True(t, sends[i-1].earliest <= s.earliest && sends[i-1].latest <= s.latest, "%+v", sends)
			}
		}
		var out bytes.Buffer
		(&screen{Writer: &out}).schedule(e, sends)
		require.NotContains(t, out.String(), " -")
		if rapid.IntRange(0, 9).Draw(t, "drawn") > 0 { // which takes its time
			return
		}
		if drawn, err := drawSchedule(e, sends); err == nil {
			require.NotRegexp(t, `NaN|Inf`, string(drawn))
			require.Less(t, len(drawn), 100_000)
		} else {
			require.Equal(t, forEver, sends[len(sends)-1].latest)
		}
	})
}

// Waits of centuries, and more sends than anybody counts: no instant is negative or before the one that it follows, and
// all of it can be printed and drawn.
func TestScheduleAtTheExtremes(t *testing.T) {
	for _, attempts := range []int{policy.None, 1, 2, 30, math.MaxInt} {
		for _, elapsed := range []time.Duration{policy.None, 1, math.MaxInt64} {
			for _, initial := range []time.Duration{policy.None, 1, time.Second, 100 * 365 * 24 * time.Hour, math.MaxInt64} {
				for _, jitter := range []policy.Jitter{policy.JitterFull, policy.JitterEqual, policy.JitterNone} {
					p := policy.Policy{MaxAttempts: attempts, MaxElapsed: elapsed, Cost: policy.None, MaxRetryAfter: math.MaxInt64,
						Backoff: policy.Backoff{Initial: initial, Multiplier: 1e9, Jitter: jitter}}
					set, err := policy.New(policy.Table{Catalog: classify.Nexpay(), Default: p})
					if err != nil {
						require.Equal(t, policy.None, attempts, "%v", err)
						continue
					}
					for _, code := range []classify.Code{"-32603", "50", "30010", "100"} {
						e := set.Explain(code)
						sends := schedule(e)
						require.LessOrEqual(t, len(sends), mostSends)
						for i, s := range sends {
							require.GreaterOrEqual(t, s.earliest, time.Duration(0))
							require.GreaterOrEqual(t, s.latest, s.earliest)
							require.True(t, i == 0 || s.earliest >= sends[i-1].earliest && s.latest >= sends[i-1].latest)
						}
						var out bytes.Buffer
						(&screen{Writer: &out}).schedule(e, sends)
						require.NotContains(t, out.String(), " -", "of a duration")
						_, err := drawSchedule(e, sends)
						require.Equal(t, sends[len(sends)-1].latest == forEver, err != nil, "%v", err)
					}
				}
			}
		}
	}
}

// A name is no wider than the picture.
func TestTitle(t *testing.T) {
	style := plot.New().Title.TextStyle
	style.Font = font.From(sans, 13)
	require.Equal(t, "When a call that gets only 7 busy is retried", title("7 busy", &style))
	for _, name := range []string{"M", "支付 declined ", "m i ", "\u200d"} {
		long := title("7 "+strings.Repeat(name, 300), &style)
		require.True(t, strings.HasPrefix(long, "When a call is retried that gets only\n7 ") || strings.HasPrefix(long, "When a call that gets only 7 "), long)
		require.LessOrEqual(t, style.Width(long), 6.5*vg.Inch)
	}
}

// What is not listed is told as it is: waits may go on to grow, and a code that no rule knows is as its status.
func TestScheduleTellsWhatItDoesNotList(t *testing.T) {
	slow := file(t, "extends: nexpay\ncodes:\n  -32603: {attempts: 200, backoff: {initial: 1ms, max: 1h, multiplier: 1.1}, elapsed: none, cost: none}\n")
	require.Contains(t, on(0, "", "schedule", "-32603", "--file", slow).out, "Further sends follow, each after at most 1h.\n")
	few := file(t, "extends: nexpay\ncodes:\n  -32603: {attempts: 27, backoff: {initial: 1ms, max: 1h, multiplier: 1.1}, elapsed: none, cost: none}\n")
	require.Contains(t, on(0, "", "schedule", "-32603", "--file", few).out, "Further sends follow, each after at most 10.835ms.\n")
	require.Contains(t, on(0, "", "schedule", "999").out, "Without an HTTP status the call is not retried. With one, the status decides: add --status.\n")
	require.NotContains(t, on(0, "", "schedule", "999", "--status", "404").out, "Without an HTTP status")
	got := on(0, "", "schedule", "0")
	require.Equal(t, exitMistaken, got.exit)
	require.Contains(t, got.errs, "0 means no error")
	require.Contains(t, on(0, "", "schedule", "50", "--status", "-5").errs, "--status -5 is not an HTTP status")
}
