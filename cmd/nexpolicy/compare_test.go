package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policyfile"
	"github.com/nexpay-go/resilience/retry"
)

const busy = "name: t\nrules: [{code: 7, name: busy, class: retryable}, {code: 8..9, name: late, class: retryable}, {code: 40, name: bad key, class: fatal, effect: not-applied}]\n"

// Where code, status and class come together, something may differ that does not by itself.
func TestDiffOfCombinations(t *testing.T) {
	for name, tt := range map[string]struct{ from, to, out string }{
		"a code that no longer goes before its status": {"statuses: {503: {attempts: 2}}\ncodes: {7: {attempts: 4}}\n", "statuses: {503: {attempts: 2}}\n",
			"7 busy under HTTP 503\n  attempts  4 → 2\n"},
		"under a range, of two codes": {"statuses: {500..502: {elapsed: 5s}, 599: {elapsed: 5s}}\ncodes: {7: {elapsed: 30s}, 8: {elapsed: 30s}}\n", "statuses: {500..502: {elapsed: 5s}, 599: {elapsed: 5s}}\n",
			"7 busy, 8 late under HTTP 500..502, 599\n  elapsed  30s → 5s\n"},
		"under the status that has policies by itself": {"codes: {7: {cost: 10}}\n", "", "7 busy under HTTP 429\n  cost  10 → 5\n"},
		"what may be told to the breaker":              {"statuses: {503: {breaker: trip}}\ncodes: {40: {breaker: success}}\n", "statuses: {503: {breaker: trip}}\n", "40 bad key under HTTP 503\n  breaker  success → trip\n"},
		"under a status that is not retryable":         {"statuses: {404: {cost: 3}}\n", "", "HTTP 404 as retryable\n  cost  3 → 10\n"},
		"of the connection":                            {"classes: {unclassified: {breaker: failure}}\n", "", "class unclassified\n  breaker  failure → ignored\nHTTP 100..199\n  to the breaker  failure → ignored\n"},
		"waits that look alike":                        {"default: {backoff: {initial: 1s, max: 1h, multiplier: 2.001}}\n", "default: {backoff: {initial: 1s, max: 1h, multiplier: 2.002}}\n", "growing by 2.001"},
		"a code that nobody has a policy for":          {"classes: {retryable: {elapsed: 20s}}\n", "", "class retryable\n  elapsed  20s → 30s\n"},
		"a resync's bound":                             {"classes: {resync: {max-retry-after: none}}\n", "", "class resync\n  max-retry-after  none → 20s\n"},
		"a classifier of one's own":                    {"codes: {40: {max-retry-after: 1s}}\n", "", "40 bad key as retryable\n  max-retry-after  1s → 20s\n"},
		"jitter, which a Retry-After has":              {"default: {backoff: {initial: none, jitter: none}}\n", "default: {backoff: {initial: none}}\n", "backoff jitter  none → full\n"},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := file(t, busy+tt.from), file(t, busy+tt.to)
			got := on(0, "", "diff", from, to)
			require.Equal(t, exitDiffers, got.exit, got.out)
			require.Contains(t, got.out, tt.out)
			require.Equal(t, exitDiffers, on(0, "", "diff", to, from).exit)
		})
	}
}

// Files that do the same, written in different ways.
func TestDiffOfSpellings(t *testing.T) {
	for name, tt := range map[string]struct{ from, to string }{
		"defaults":                        {"", "default: {attempts: 4, backoff: {initial: 200ms}, elapsed: 30s, max-retry-after: 20s, cost: 10}\nstatuses: {429: {elapsed: 90s, max-retry-after: 1m, cost: 5}}\n"},
		"by default or by class":          {"default: {attempts: 3, cost: 7}\n", "classes: {retryable: {attempts: 3, cost: 7}}\n"},
		"a range or its statuses":         {"statuses: {502..504: {attempts: 2}}\n", "statuses: {502: {attempts: 2}, 503: {attempts: 2}, 504: {attempts: 2}}\n"},
		"what one send has no use for":    {"codes: {7: {attempts: 1, cost: 4, elapsed: 1s}}\nclasses: {fatal: {cost: 3}}\n", "codes: {7: {attempts: 1}}\n"},
		"waits":                           {"default: {backoff: {initial: 1s, max: 1s, multiplier: 3}}\n", "default: {backoff: {initial: 1s, max: 1s}}\n"},
		"waits that stay":                 {"default: {backoff: {initial: 1s, max: 3s, multiplier: 1}}\n", "default: {backoff: {initial: 1s, multiplier: 1}}\n"},
		"no timeout":                      {"attempt-timeout: none\n", ""},
		"the breaker's defaults":          {"", "breaker: {consecutive-failures: 6, failure-ratio: 0.5, min-calls: 20, window: 30s, open-for: 3s, max-open-for: 6s, probes: 1, probe-timeout: 10s, report-only: false}\n"},
		"its longest time":                {"breaker: {open-for: 1m}\n", "breaker: {open-for: 1m, max-open-for: 2m}\n"},
		"what its ratio alone looks at":   {"breaker: {failure-ratio: none, window: 1m, min-calls: 7}\n", "breaker: {failure-ratio: none}\n"},
		"the budget's defaults":           {"", "budget: {capacity: 100, deposit: 1, full-in: 5m, refund: price-and-deposit}\n"},
		"a policy that says nothing":      {"codes: {7: {}}\nstatuses: {500..599: {}}\n", ""},
		"a policy that says what applies": {"codes: {7: {attempts: 4, elapsed: 30s}}\n", "statuses: {429: {}}\ncodes: {7: {attempts: 4, elapsed: 30s}}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := on(0, "", "diff", file(t, busy+tt.from), file(t, busy+tt.to))
			require.Equal(t, result{"no differences\n", "", exitFine}, got)
		})
	}
	one := strings.Replace(busy, "{code: 8..9, name: late, class: retryable}", "{code: 8, name: slow, class: retryable}, {code: 9, name: slower, class: retryable}", 1)
	require.Equal(t, exitFine, on(0, "", "diff", file(t, busy), file(t, one)).exit)
	require.Equal(t, exitMistaken, on(0, "", "diff", file(t, busy), file(t, "name: [")).exit)
}

// Every field of breaker and budget is compared.
func TestDiffOfSettings(t *testing.T) {
	for _, line := range []string{
		"breaker: {consecutive-failures: 11}", "breaker: {consecutive-failures: none}", "breaker: {failure-ratio: 0.6}", "breaker: {failure-ratio: none}",
		"breaker: {min-calls: 21}", "breaker: {window: 31s}", "breaker: {open-for: 2s}", "breaker: {max-open-for: 21s}", "breaker: {probes: 3}",
		"breaker: {probe-timeout: 11s}", "breaker: {slow-call: 1s}", "breaker: {report-only: true}",
		"budget: {capacity: 101}", "budget: {deposit: 2}", "budget: {deposit: none}", "budget: {full-in: 4m}", "budget: {full-in: none}", "budget: {refund: price}", "budget: {refund: none}", "attempt-timeout: 10s",
	} {
		got := on(0, "", "diff", file(t, busy), file(t, busy+line+"\n"))
		require.Equal(t, exitDiffers, got.exit, line)
		require.Equal(t, 2, strings.Count(got.out, "\n"), got.out)
	}
}

// What is left out stands for what the packages document. Those of the breaker are in
// its source; a budget tells.
func TestFilled(t *testing.T) {
	source, err := os.ReadFile("../../breaker/config.go")
	require.NoError(t, err)
	c := filledBreaker(breaker.Config{})
	for name, value := range map[string]any{
		"ConsecutiveFailures": c.ConsecutiveFailures, "FailureRatio": c.FailureRatio, "MinCalls": c.MinCalls, "Probes": c.Probes,
		"Window": c.Window, "OpenFor": c.OpenFor, "MaxOpenFor": c.MaxOpenFor, "ProbeTimeout": c.ProbeTimeout,
	} {
		want := fmt.Sprint(value)
		if d, ok := value.(time.Duration); ok {
			want = fmt.Sprintf("%d * time.Second", d/time.Second)
		}
		require.Regexp(t, regexp.MustCompile(`\tdefault`+name+` += `+regexp.QuoteMeta(want)+`\n`), string(source))
	}
	budget, err := retry.NewBudget(retry.BudgetConfig{})
	require.NoError(t, err)
	require.Equal(t, filledBudget(retry.BudgetConfig{}).Capacity, budget.Tokens())
	require.Equal(t, policy.Backoff{Initial: 200 * time.Millisecond, Max: 5 * time.Second, Multiplier: 2}, waits(policy.Backoff{}))
	require.Equal(t, 5*time.Second, policy.Backoff{}.Longest(100))
	require.Equal(t, 400*time.Millisecond, policy.Backoff{}.Longest(2))
}

// The exit status of diff is right: it is compared with what the two files do, looked
// at code by code, status by status and class by class, for each number of sends and
// each Retry-After that may decide.
func TestDiffAgainstEverything(t *testing.T) {
	same, different := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		before := aFile().Draw(t, "file")
		after := mutated(t, before)
		from, err := policyfile.Parse("from", marshal(t, before))
		if err != nil {
			t.Skip(err)
		}
		to, err := policyfile.Parse("to", marshal(t, after))
		if err != nil {
			t.Skip(err)
		}
		differs, where := lookedAt(from.Policies, to.Policies)
		got := compare(from, to)
		if differs != (len(got) > 0) {
			t.Fatalf("%s\n%s\ndiffer %v (%s), but diff says %+v", marshal(t, before), marshal(t, after), differs, where, got)
		}
		for _, d := range got {
			require.NotEmpty(t, d.about)
			require.NotEmpty(t, d.changes)
		}
		if differs {
			different++
		} else {
			same++
		}
	})
	require.Positive(t, same)
	require.Positive(t, different)
}

func marshal(t *rapid.T, v any) []byte {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

type mapping = map[string]any

func oneOf(values ...any) *rapid.Generator[any] { return rapid.SampledFrom(values) }

// durations are few, so that they often meet.
func duration() *rapid.Generator[any] { return oneOf("1s", "1000ms", "2s", "5s", "30s", "90s", "none") }

func backoffOf() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		return some(t, map[string]*rapid.Generator[any]{
			"initial": oneOf("200ms", "1s", "none"), "max": oneOf("1s", "20s", "1h"), "multiplier": oneOf(1, 2, 2.5, 4), "jitter": oneOf("full", "equal", "none"),
		})
	})
}

var settingsOf = map[string]*rapid.Generator[any]{
	"attempts": oneOf(1, 2, 3, 4, 5, "none"), "backoff": backoffOf(), "elapsed": duration(), "max-retry-after": duration(),
	"cost": oneOf(1, 5, 10, "none"), "breaker": oneOf("failure", "ignored", "success", "trip"),
}

// some fills some of the fields.
func some(t *rapid.T, fields map[string]*rapid.Generator[any]) mapping {
	o := mapping{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if rapid.IntRange(0, 2).Draw(t, "has "+name) == 0 {
			o[name] = fields[name].Draw(t, name)
		}
	}
	return o
}

func entries(t *rapid.T, keys ...string) mapping {
	o := mapping{}
	for _, key := range keys {
		if rapid.IntRange(0, 2).Draw(t, "entry "+key) == 0 {
			o[key] = some(t, settingsOf)
		}
	}
	return o
}

func aFile() *rapid.Generator[mapping] {
	return rapid.Custom(func(t *rapid.T) mapping {
		var rules []any
		for _, code := range []any{3, 4, "10..20", 12, "-5..-2"} {
			if r := some(t, map[string]*rapid.Generator[any]{"effect": oneOf("unknown", "not-applied")}); rapid.IntRange(0, 3).Draw(t, "rule") > 0 {
				r["code"], r["name"], r["class"] = code, "x", rapid.SampledFrom([]any{"retryable", "retryable", "retryable", "resync", "fix-and-resend", "fatal"}).Draw(t, "class")
				if r["class"] == "fatal" {
					r["lockout"] = rapid.Bool().Draw(t, "lockout")
				}
				rules = append(rules, r)
			}
		}
		return mapping{
			"name": "t", "rules": append([]any{mapping{"code": 1, "name": "x", "class": "retryable"}}, rules...), "default": some(t, settingsOf),
			"classes":  entries(t, "retryable", "resync", "fatal", "fix-and-resend", "unclassified"),
			"statuses": entries(t, "503", "429", "404", "500..599"), "codes": entries(t, "1", "3", "4", "11", "12", "-3"),
		}
	})
}

// mutated is the file with something else in one place, which may come to the same.
func mutated(t *rapid.T, before mapping) mapping {
	after := mapping{}
	require.NoError(t, json.Unmarshal(marshal(t, before), &after))
	settings := []mapping{after["default"].(mapping)}
	for _, name := range []string{"classes", "statuses", "codes"} {
		all := after[name].(mapping)
		for _, key := range slices.Sorted(maps.Keys(all)) {
			settings = append(settings, all[key].(mapping))
		}
		switch rapid.IntRange(0, 5).Draw(t, "entry of "+name) {
		case 0:
			if key := rapid.SampledFrom(append(slices.Sorted(maps.Keys(all)), "")).Draw(t, "gone"); key != "" {
				delete(all, key)
			}
		case 1:
			new := map[string][]string{"classes": {"retryable", "resync"}, "statuses": {"503", "504", "200", "100"}, "codes": {"1", "13"}}[name]
			settings = append(settings, mapping{})
			all[rapid.SampledFrom(new).Draw(t, "new")] = settings[len(settings)-1]
		}
	}
	rules := after["rules"].([]any)
	rule := rules[rapid.IntRange(0, len(rules)-1).Draw(t, "rule")].(mapping)
	switch rapid.IntRange(0, 9).Draw(t, "of the rule") {
	case 0:
		rule["name"], rule["fix"] = "another", "advice"
	case 1:
		rule["effect"] = oneOf("unknown", "not-applied").Draw(t, "effect")
	case 2:
		rule["class"] = oneOf("retryable", "resync", "fix-and-resend", "fatal").Draw(t, "class")
	case 3:
		if rule["code"] == "10..20" {
			rule["code"] = oneOf("10..19", "9..20", "10..21").Draw(t, "range")
		}
	case 4:
		after["attempt-timeout"] = oneOf("none", "5s").Draw(t, "timeout")
	}
	s := settings[rapid.IntRange(0, len(settings)-1).Draw(t, "settings")]
	field := rapid.SampledFrom(slices.Sorted(maps.Keys(settingsOf))).Draw(t, "field")
	if rapid.Bool().Draw(t, "without") {
		delete(s, field)
	} else {
		s[field] = settingsOf[field].Draw(t, "value")
	}
	return after
}

type pairOf struct {
	class         classify.Class
	before, after policy.Policy
}

// lookedAt looks at everything.
func lookedAt(from, to *policy.Set) (bool, string) {
	if from.AttemptTimeout() != to.AttemptTimeout() {
		return true, "attempt timeout"
	}
	alike := map[pairOf]bool{}
	for n := -7; n <= 23; n++ {
		code := classify.Code(strconv.Itoa(n))
		if n == 0 {
			code = ""
		}
		_, known := from.Catalog().Lookup(code)
		if _, still := to.Catalog().Lookup(code); known != still {
			return true, fmt.Sprint("rule for ", code)
		}
		for _, status := range []int{0, 100, 200, 302, 400, 404, 409, 429, 500, 501, 503, 504, 599} {
			e := &classify.Error{Status: status}
			if code != "" {
				e.Details = []classify.Detail{{Code: code}}
			}
			before, after := from.Catalog().Classify(e), to.Catalog().Classify(e)
			before.Rule, after.Rule = "", ""
			if before != after {
				return true, fmt.Sprint(before, after)
			}
			for _, class := range classes {
				v := classify.Verdict{Class: class, Code: code, Status: status}
				b, a := from.For(v), to.For(v)
				if pair := (pairOf{class, b, a}); b != a && !alike[pair] {
					if done(class, b) != done(class, a) {
						return true, fmt.Sprintf("%v: %+v, %+v", v, b, a)
					}
					alike[pair] = true
				}
			}
		}
	}
	return false, ""
}

// done is all that is done about an error: how long each wait may be, and for each
// number of attempts, each Retry-After and each time that is gone, what follows.
func done(class classify.Class, p policy.Policy) string {
	var b strings.Builder
	b.WriteString(p.Breaker.String())
	if class == classify.Retryable && p.MaxAttempts != 1 {
		for _, n := range []int{1, 2, 3, 12, 40} {
			shortest, longest := window(&p.Backoff, n)
			fmt.Fprint(&b, shortest, longest)
		}
		fmt.Fprint(&b, p.Cost)
	}
	if class != classify.Fatal && class != classify.Unclassified && p.MaxAttempts != 1 { // it spreads what a Retry-After asks for
		fmt.Fprint(&b, p.Backoff.Jitter == policy.JitterNone) // the two others spread it alike
	}
	times := []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 6 * time.Second, 25 * time.Second, 45 * time.Second, 70 * time.Second, time.Hour}
	for n := 1; n <= 6; n++ {
		for _, asked := range times {
			for _, gone := range times {
				b.WriteByte(decided(class, &p, n, asked, gone))
			}
		}
	}
	return b.String()
}

// decided is what package retry does with a policy.
func decided(class classify.Class, p *policy.Policy, n int, asked, gone time.Duration) byte {
	switch {
	case class == classify.Fatal || class == classify.Unclassified:
		return '!'
	case p.MaxAttempts == 1, class == classify.Retryable && p.MaxAttempts != policy.None && n >= p.MaxAttempts:
		return '.'
	case p.MaxRetryAfter != policy.None && asked > p.MaxRetryAfter:
		return ','
	case p.MaxElapsed != policy.None && gone+asked > p.MaxElapsed:
		return ';'
	}
	return '>'
}
