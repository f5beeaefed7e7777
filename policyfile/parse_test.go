package policyfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policyfile"
	"github.com/nexpay-go/resilience/retry"
)

const whole = `
extends: nexpay
attempt-timeout: 5s
rules:
  - code: 150
    name: Under maintenance
    class: retryable
    effect: not-applied
    fix: Come back in an hour.
    source: mail of the vendor, 2026-11-02
  - {code: 40000..49999, name: Compliance, class: fatal, effect: not-applied, lockout: true}
default: {elapsed: 1m}
classes:
  retryable: {attempts: 5}
statuses:
  429: {cost: 2, max-retry-after: none}
codes:
  -32603:
    attempts: none
    backoff: {initial: 250ms, max: 2m, multiplier: 1.5, jitter: equal}
  150: {breaker: trip, attempts: 1}
breaker:
  consecutive-failures: 7
  failure-ratio: none
  min-calls: 30
  window: 1m
  open-for: 5s
  max-open-for: 15s
  probes: 1
  probe-timeout: 4s
  slow-call: 3s
  report-only: true
budget: {capacity: 200, deposit: none, full-in: 2m, refund: price}
`

func TestParse(t *testing.T) {
	f, err := policyfile.Parse("policies.yaml", []byte(whole))
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, f.Policies.AttemptTimeout())
	rule, ok := f.Policies.Catalog().Lookup("150")
	require.True(t, ok)
	require.Equal(t, classify.Rule{Codes: "150", Name: "Under maintenance", Class: classify.Retryable, Effect: classify.NotApplied,
		Fix: "Come back in an hour.", Source: "mail of the vendor, 2026-11-02"}, rule)
	rule, _ = f.Policies.Catalog().Lookup("45000")
	require.True(t, rule.Lockout)
	_, ok = f.Policies.Catalog().Lookup("100")
	require.True(t, ok, "of the table that it extends")

	p := f.Policies.For(classify.Verdict{Class: classify.Retryable, Code: "-32603", Status: 429})
	require.Equal(t, policy.Policy{
		MaxAttempts: policy.None, MaxElapsed: time.Minute, MaxRetryAfter: policy.None, Cost: 2, Breaker: policy.Failure,
		Backoff: policy.Backoff{Initial: 250 * time.Millisecond, Max: 2 * time.Minute, Multiplier: 1.5, Jitter: policy.JitterEqual},
	}, p)
	require.Equal(t, 5, f.Policies.For(classify.Verdict{Class: classify.Retryable}).MaxAttempts)
	require.Equal(t, policy.Trip, f.Policies.For(classify.Verdict{Class: classify.Retryable, Code: "130"}).Breaker, "inherited")
	require.Equal(t, breaker.Config{
		ConsecutiveFailures: 7, FailureRatio: -1, MinCalls: 30, Window: time.Minute, OpenFor: 5 * time.Second, MaxOpenFor: 15 * time.Second,
		Probes: 1, ProbeTimeout: 4 * time.Second, SlowCall: 3 * time.Second, ReportOnly: true,
	}, f.Breaker)
	require.Equal(t, retry.BudgetConfig{Capacity: 200, Deposit: policy.None, FullIn: 2 * time.Minute, Refund: retry.RefundOnly}, f.Budget)
	_, err = retry.New(retry.Config{Policies: f.Policies})
	require.NoError(t, err)
}

func TestName(t *testing.T) {
	for file, want := range map[string]string{"extends: http\n": "HTTP", "extends: http\nname: Mine\n": "Mine", "name: Mine\n": "Mine"} {
		f, err := policyfile.Parse("f", []byte(file))
		require.NoError(t, err)
		require.Equal(t, want, f.Policies.Catalog().Name())
	}
}

// A text is one line, so that none can pretend to be more than that in a log.
func TestTextIsOneLine(t *testing.T) {
	f, err := policyfile.Parse("f", []byte("name: x\nrules:\n- code: 7\n  name: \"a\\nb\"\n  class: fatal\n  fix: |\n    First this.\n    Then that.\n"))
	require.NoError(t, err)
	rule, _ := f.Policies.Catalog().Lookup("7")
	require.Equal(t, "a b", rule.Name)
	require.Equal(t, "First this. Then that.", rule.Fix)
}

// JSON is read by the same rules.
func TestParseJSON(t *testing.T) {
	f, err := policyfile.Parse("policies.json", []byte(`{"extends": "nexpay", "codes": {"-32603": {"attempts": 2, "backoff": {"initial": "1s"}}}}`))
	require.NoError(t, err)
	require.Equal(t, 2, f.Policies.Explain("-32603").MaxSends)
	_, err = policyfile.Parse("policies.json", []byte(`{"extends": "nexpay",
 "codes": {"-32603": {"atempts": 2}}}`))
	require.EqualError(t, err, `policies.json:2:23: unknown field "atempts"; did you mean attempts?`)
	_, err = policyfile.Parse("policies.json", []byte("{\"name\": \"ä\", \"rules\": 7,\n\t\"default\": {\"attempts\": \"3\", \"cost\": 3.5, \"breaker\": null}}"))
	require.EqualError(t, err, `policies.json:1:24: expected a list, not a value: begin each entry with a dash, or put all entries in [ ]
policies.json:2:26: "3" is text: write it without quotes
policies.json:2:39: "3.5" is not a number of at least 1; for no limit, or nothing at all, write none
policies.json:2:55: the value is missing`)
}

// Everything that is wrong, at once, and where.
func TestMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		file string
		want []string
	}{
		"an unknown field": {"extends: nexpay\nattempt-timout: 5s\n", []string{
			`f:2:1: unknown field "attempt-timout"; did you mean attempt-timeout?`}},
		"many at once": {"extends: nexpay\nattempt-timeout: 5\ncodes:\n  x: {}\n  -32603: {attempts: 0, breaker: open, cost: -3}\nbreaker: {probes: 2000}\n", []string{
			`f:2:18: "5" is not a duration, such as 250ms, 10s or 2m, or none`,
			`f:4:3: codes[x]: catalog "Nexpay" has no rule for this code: add one, or remove this entry`,
			`f:5:22: "0" is not a number of at least 1; for no limit, or nothing at all, write none`,
			`f:5:34: "open" is not one of failure, ignored, success, trip`,
			`f:5:46: "-3" is not a number of at least 1; for no limit, or nothing at all, write none`,
			`f:6:19: probes 2000 is not between 1 and 1000`}},
		"what depends on a mistake is not judged": {"extends: nexpay\ncodes:\n  777: {attempts: none, elapsed: 5}\nrules:\n  - {code: 777, name: x, clas: fatal}\nbreaker: {open-for: 5, max-open-for: 1s}\nbudget: {capacity: 1, deposit: x}\n", []string{
			`f:3:34: "5" is not a duration, such as 250ms, 10s or 2m, or none`,
			`f:5:26: unknown field "clas"; did you mean class?`,
			`f:6:21: "5" is not a duration, such as 250ms, 10s or 2m`,
			`f:7:9: default: cost 10 is more than the 1 token that the budget holds: no retry could ever be sent`,
			`f:7:32: "x" is not a number of at least 1; for no limit, or nothing at all, write none`}},
		"but what stands beside it is": {"extends: nexpay\nrules:\n  - {code: 7, fix: 404, lockout: true}\n  - {code: 7.., class: fatal}\ndefault: {attempts: x, elapsed: none, backoff: {initial: none}, cost: 101}\nclasses: {retryable: {attempts: none, elapsed: 5}}\ncodes:\n  80: {attempts: 3, breaker: x}\n  -32603: {atempts: 3, elapsed: none, cost: 102}\nbreaker: {open-for: 5, max-open-for: 1s, probes: 2000, min-calls: x}\nbudget: {deposit: x, capacity: 99999999999}\n", []string{
			"f:3:5: the rule has no name: say what the code means",
			"f:3:5: the rule has no class: retryable, resync, fix-and-resend or fatal",
			`f:3:20: 404 is not text: write "404"`,
			"f:3:34: lockout requires class fatal: a call with a useless key is not retried",
			"f:4:5: the rule has no name: say what the code means",
			`f:4:12: "7.." is not a range of numbers; write a range as 20000..29999`,
			`f:5:21: "x" is not a number of at least 1; for no limit, or nothing at all, write none`,
			`f:6:48: "5" is not a duration, such as 250ms, 10s or 2m, or none`,
			"f:8:3: codes[80] (No permissions): attempts 3: a fatal error is not retryable",
			`f:8:30: "x" is not one of failure, ignored, success, trip`,
			`f:9:12: unknown field "atempts"; did you mean attempts?`,
			`f:10:21: "5" is not a duration, such as 250ms, 10s or 2m`,
			"f:10:50: probes 2000 is not between 1 and 1000",
			`f:10:67: "x" is not a number of at least 1`,
			`f:11:19: "x" is not a number of at least 1; for no limit, or nothing at all, write none`,
			"f:11:32: capacity and deposit are at most 1000000000, not 99999999999"}},
		"what terminals take for orders": {"extends: nexpay\nrules:\n  - {code: 777, name: \"\\e[2J\", class: fatal}\n", []string{
			"f:3:23: the text has an unprintable character or is not UTF-8"}},
		"what turns lines around": {"name: \"a\\u202Eb\"\n", []string{
			"f:1:7: the text has an unprintable character or is not UTF-8"}},
		"quotes where none belong, and none where some do": {"extends: nexpay\nname: 404\ndefault: {attempts: \"3\"}\nbreaker: {report-only: 'true'}\n", []string{
			`f:2:7: 404 is not text: write "404"`, `f:3:21: "3" is text: write it without quotes`, `f:4:24: "true" is text: write it without quotes`}},
		"overlapping ranges": {"name: x\nrules:\n  - {code: 1..10, name: a, class: fatal}\n  - {code: 20, name: b, class: fatal}\n  - {code: 10..15, name: c, class: fatal}\n", []string{
			`f:5:5: the range 10..15 overlaps the range 1..10 of the rule in line 3`}},
		"a code twice": {"name: x\nrules:\n  - {code: 7, name: a, class: fatal}\n  - {code: 7, name: b, class: fatal}\n", []string{
			`f:4:5: code 7 overlaps code 7 of the rule in line 3`}},
		"a rule without anything": {"name: x\nrules:\n  - {}\n", []string{
			"f:3:5: the rule has no code", "f:3:5: the rule has no name: say what the code means", "f:3:5: the rule has no class: retryable, resync, fix-and-resend or fatal"}},
		"fatal with attempts": {"extends: nexpay\ncodes:\n  80: {attempts: 3}\n", []string{
			"f:3:3: codes[80] (No permissions): attempts 3: a fatal error is not retryable"}},
		"a code without a rule": {"extends: nexpay\ncodes:\n  777: {attempts: 3}\n", []string{
			`f:3:3: codes[777]: catalog "Nexpay" has no rule for this code: add one, or remove this entry`}},
		"a 5xx that is not applied": {"name: x\nrules:\n  - {code: 503, name: a, class: retryable, effect: not-applied}\n", []string{
			"f:3:52: effect not-applied for code 503, which looks like an HTTP 5xx: such a status proves nothing; if this code does, add i-am-sure: true"}},
		"a lockout that is not fatal": {"name: x\nrules:\n  - {code: 5, name: a, class: retryable, lockout: true}\n", []string{
			"f:3:51: lockout requires class fatal: a call with a useless key is not retried"}},
		"a class that says nothing": {"name: x\nrules:\n  - {code: 5, name: a, class: unclassified}\n  - {code: 6, name: a, class: retry}\n", []string{
			`f:3:31: "unclassified" is not one of retryable, resync, fix-and-resend, fatal`, `f:4:31: "retry" is not one of retryable, resync, fix-and-resend, fatal; did you mean retryable?`}},
		"JSON without a comma": {"{\"name\": \"x\",\n \"rules\": []\n \"codes\": {}}", []string{
			`f:3:2: neither JSON nor YAML: invalid character '"' after object key:value pair`}},
		"a reversed range": {"name: x\nrules:\n  - {code: 9..3, name: a, class: fatal}\n", []string{"f:3:12: the range 9..3 is reversed"}},
		"no name":          {"rules: []\n", []string{"f:1:1: name or extends is required"}},
		"an unknown table": {"extends: nexpya\n", []string{`f:1:10: there is no table "nexpya" to extend; did you mean nexpay?`}},
		"breaker":          {"extends: nexpay\nbreaker: {open-for: 1m, max-open-for: 1s}\n", []string{"f:2:39: max-open-for 1s is below open-for 1m0s"}},
		"none where there is no none": {"extends: nexpay\nbreaker: {slow-call: none, probes: none}\nbudget: {capacity: none}\ndefault: {backoff: {max: none}}\n", []string{
			`f:2:22: "none" is not a duration, such as 250ms, 10s or 2m`, `f:2:36: "none" is not a number of at least 1`, `f:3:20: "none" is not a number of at least 1`, `f:4:26: "none" is not a duration, such as 250ms, 10s or 2m`}},
		"budget": {"extends: nexpay\nbudget: {capacity: 5}\n", []string{"f:2:9: default: cost 10 is more than the 5 tokens that the budget holds: no retry could ever be sent"}},
		"costs that no budget pays": {"extends: nexpay\ndefault: {cost: 101}\nclasses: {retryable: {cost: 102}}\nstatuses: {500..504: {cost: 103}, 503: {cost: 104}}\ncodes:\n  -32603: {cost: 9223372036854775807}\n  130: {cost: 105}\n  80: {cost: 106}\n", []string{
			"f:3:11: classes[retryable]: cost 102 is more than the 100 tokens that the budget holds: no retry could ever be sent",
			"f:4:12: statuses[500..504]: cost 103 is more than the 100 tokens that the budget holds: no retry could ever be sent",
			"f:4:35: statuses[503]: cost 104 is more than the 100 tokens that the budget holds: no retry could ever be sent",
			"f:6:3: codes[-32603]: cost 9223372036854775807 is more than the 100 tokens that the budget holds: no retry could ever be sent"}},
		"numbers that are too large": {"name: x\nrules:\n  - {code: 9223372036854775808, name: a, class: fatal}\n  - {code: -9223372036854775809..1, name: b, class: fatal}\n  - {code: 2..99999999999999999999999999999999999999999, name: c, class: fatal}\ndefault: {attempts: 9223372036854775808, elapsed: 2562048h, max-retry-after: 1h99999999999999999999s, cost: 1e3, backoff: {multiplier: 1e309}}\nstatuses: {99999999999999999999: {}}\ncodes: {9223372036854775808: {}}\n", []string{
			`f:5:12: "2..9999999999999999999999999999999999999…" is not a range of numbers; write a range as 20000..29999`,
			`f:6:21: "9223372036854775808" is too large: the limit is 9223372036854775807; for no limit write none`,
			`f:6:51: "2562048h" is too long: the limit is 2562047h0m0s`,
			`f:6:78: "1h99999999999999999999s" is too long: the limit is 2562047h0m0s`,
			`f:6:109: "1e3" is not a number of at least 1; for no limit, or nothing at all, write none`,
			`f:6:136: "1e309" is too large: the limit is 1.7976931348623157e+308`,
			`f:7:12: "99999999999999999999" is not an HTTP status from 100 to 599, or a range such as 500..599`}},
		"all at once, whatever else is wrong": {"extends: nexpay\nattempt-timeout: 5\nrules:\n  - {code: 7, class: fatal}\ndefault: {attempts: none, elapsed: none}\nclasses: {fatal: {attempts: 2}}\nstatuses: {503: {attempts: none, backoff: {initial: none}}}\ncodes:\n  -32603: {cost: 6}\n  130: {attempts: none, elapsed: none}\n  777: {attempts: 2}\nbreaker: {probes: 2000}\nbudget: {capacity: 5}\n", []string{
			`f:2:18: "5" is not a duration, such as 250ms, 10s or 2m, or none`,
			"f:4:5: the rule has no name: say what the code means",
			"f:5:10: default: neither attempts nor elapsed has a limit: a call would never end",
			"f:5:10: default: cost 10 is more than the 5 tokens that the budget holds: no retry could ever be sent",
			"f:6:11: classes[fatal]: attempts 2: a fatal error is not retryable",
			"f:7:12: statuses[503]: neither attempts nor elapsed has a limit: a call would never end",
			"f:7:12: statuses[503]: attempts has no limit and every wait is below 1ms: a call would send as fast as it can",
			"f:9:3: codes[-32603]: cost 6 is more than the 5 tokens that the budget holds: no retry could ever be sent",
			"f:10:3: codes[130]: neither attempts nor elapsed has a limit: a call would never end",
			"f:10:3: codes[130] under HTTP status 503: attempts has no limit and every wait is below 1ms: a call would send as fast as it can",
			`f:11:3: codes[777]: catalog "Nexpay" has no rule for this code: add one, or remove this entry`,
			"f:12:19: probes 2000 is not between 1 and 1000"}},
		"a mistake elsewhere hides no code without a rule": {"extends: nexpay\nattempt-timeout: 5\ncodes: {777: {cost: 1}}\n", []string{
			`f:2:18: "5" is not a duration, such as 250ms, 10s or 2m, or none`,
			`f:3:9: codes[777]: catalog "Nexpay" has no rule for this code: add one, or remove this entry`}},
		"but a field that was to hold the rules does": {"extends: nexpay\nrule: [{code: 777, name: x, class: fatal}]\ncodes: {777: {cost: 1}}\n", []string{
			`f:2:1: unknown field "rule"; did you mean rules?`}},
		"and so does a rule whose code cannot be read": {"extends: nexpay\nrules: [{code: 7..x, name: x, class: fatal}]\ncodes: {777: {cost: 1}}\n", []string{
			`f:2:16: "7..x" is not a range of numbers; write a range as 20000..29999`}},
		"an anchor":      {"extends: nexpay\ndefault: &d {cost: 1}\n", []string{"f:2:10: anchors and aliases are not supported: repeat the value"}},
		"a field twice":  {"extends: nexpay\nextends: nexpay\n", []string{"f:2:1: duplicate field extends, first in line 1"}},
		"an entry twice": {"extends: nexpay\ncodes:\n  50: {}\n  50: {}\n", []string{"f:4:3: duplicate key 50"}},
		"a list for a mapping": {"extends: nexpay\ncodes: [1]\ndefault: 7\nrules: {}\nname: [x]\n", []string{
			"f:2:8: expected a mapping, not a list", "f:3:10: expected fields, not a value: attempts, backoff, elapsed, max-retry-after, cost, breaker", "f:4:8: expected a list, not a mapping: begin each entry with a dash, or put all entries in [ ]", "f:5:7: expected a single value, not a list"}},
		"nothing":         {"", []string{"f: the file is empty"}},
		"a comment":       {"# nothing\n", []string{"f: the file is empty"}},
		"two documents":   {"extends: nexpay\n---\nextends: nexpay\n", []string{"f: the file has more than one document"}},
		"a tab":           {"extends: nexpay\ncodes:\n\t50: {}\n", []string{"f:3: not YAML: found character that cannot start any token"}},
		"a value missing": {"extends:\n", []string{"f:1:9: the value is missing"}},
		"other words": {"extends: nexpay\nbudget: {refund: all}\nbreaker: {failure-ratio: 50, report-only: maybe}\nstatuses: {99: {}}\ndefault: {backoff: {multiplier: x, jitter: some}}\n", []string{
			`f:2:18: "all" is not one of price-and-deposit, price, none`, `f:3:26: "50" is not a share above 0 and up to 1, or none`, `f:3:43: "maybe" is neither true nor false`,
			`f:4:12: "99" is not an HTTP status from 100 to 599, or a range such as 500..599`, `f:5:33: "x" is not a number of at least 1`, `f:5:44: "some" is not one of full, equal, none; did you mean none?`}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := policyfile.Parse("f", []byte(tt.file))
			require.Nil(t, f)
			require.EqualError(t, err, strings.Join(tt.want, "\n"))
			var e *policyfile.Error
			require.ErrorAs(t, err, &e)
			require.Len(t, e.Problems, len(tt.want))
		})
	}
}

func TestLoad(t *testing.T) {
	name := filepath.Join(t.TempDir(), "policies.yaml")
	_, err := policyfile.Load(name)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(name, []byte(whole), 0o600))
	_, err = policyfile.Load(name)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(name, 5<<20))
	_, err = policyfile.Load(name)
	require.ErrorContains(t, err, "larger than 4 MiB")
}

// Who pastes another file does not want to read on.
func TestManyProblems(t *testing.T) {
	var b strings.Builder
	for n := range 500 {
		fmt.Fprintf(&b, "field%d: x\n", n)
	}
	_, err := policyfile.Parse("f", []byte(b.String()))
	var e *policyfile.Error
	require.True(t, errors.As(err, &e))
	require.Len(t, e.Problems, 101)
	require.Contains(t, err.Error(), "and 400 more")
}
