package policyfile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policyfile"
)

const oneRule = "name: Acme\nrules:\n  - {code: 5, name: Busy, class: retryable}\n"

// What YAML 1.2 calls a document is one.
func TestDirectives(t *testing.T) {
	for name, before := range map[string]string{
		"none": "", "1.1": "%YAML 1.1\n---\n", "1.2": "%YAML 1.2\n---\n", "with returns": "%YAML 1.2\r\n---\r\n", "with spaces": "%YAML \t1.2  # so there\n---\n",
		"behind a mark": "\ufeff%YAML 1.2\n---\n", "behind comments": "# a table\n\n  # of policies\n%YAML 1.2\n# now\n---\n",
		"behind another": "%TAG !e! tag:example.com,2026:\n%YAML 1.2\n---\n",
	} {
		t.Run(name, func(t *testing.T) {
			f, err := policyfile.Parse("acme.yaml", []byte(before+oneRule))
			require.NoError(t, err)
			require.Equal(t, "Acme", f.Policies.Catalog().Name())
			_, err = policyfile.Parse("acme.yaml", []byte(before+oneRule+"x: 1\n"))
			var e *policyfile.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, strings.Count(before+oneRule, "\n")+1, e.Problems[0].Line)
		})
	}
	for _, file := range []string{"%YAML 2.0\n---\n" + oneRule, "%YAML 1.2\n" + oneRule, "%YAML 1.23\n---\n" + oneRule} {
		_, err := policyfile.Parse("acme.yaml", []byte(file))
		require.ErrorContains(t, err, "not YAML")
	}
	f, err := policyfile.Parse("acme.yaml", []byte("name: Acme\nrules:\n  - code: 5\n    name: |\n      %YAML 1.2\n    class: fatal\n"))
	require.NoError(t, err)
	rule, _ := f.Policies.Catalog().Lookup("5")
	require.Equal(t, "%YAML 1.2", rule.Name, "a text is no directive")
}

func TestStatusRanges(t *testing.T) {
	f, err := policyfile.Parse("f", []byte("extends: nexpay\nstatuses:\n  500..599: {attempts: 2, cost: 7, backoff: {initial: 1s}}\n  503: {cost: 1}\n  429..430: {elapsed: 5s}\n  400..404: {breaker: ignored}\n"))
	require.NoError(t, err)
	of := func(status int) policy.Policy {
		return f.Policies.For(f.Policies.Catalog().Classify(&classify.Error{Status: status}))
	}
	for _, status := range []int{500, 502, 599} {
		require.Equal(t, 2, of(status).MaxAttempts)
		require.Equal(t, 7, of(status).Cost)
	}
	require.Equal(t, 1, of(503).Cost, "its own")
	require.Equal(t, 2, of(503).MaxAttempts, "of the range")
	require.Equal(t, time.Second, of(503).Backoff.Initial)
	require.Equal(t, 1, of(501).MaxAttempts, "fatal, whatever a range says")
	require.Equal(t, 4, of(408).MaxAttempts)
	require.Equal(t, 5*time.Second, of(429).MaxElapsed)
	require.Equal(t, time.Minute, of(429).MaxRetryAfter, "of the table below")
	require.Equal(t, policy.Ignored, of(403).Breaker)
	require.Equal(t, policy.Success, of(405).Breaker)
	require.Equal(t, 2, f.Policies.For(classify.Verdict{Class: classify.Retryable, Code: "-32603", Status: 599}).MaxAttempts, "of codes under it, too")

	asJSON, err := policyfile.Parse("f", []byte(`{"extends": "nexpay", "statuses": {"500..599": {"attempts": 2}}}`))
	require.NoError(t, err)
	require.Equal(t, 2, asJSON.Policies.For(classify.Verdict{Class: classify.Retryable, Status: 500}).MaxAttempts)
}

func TestStatusMistakes(t *testing.T) {
	const inert = " a rule does not apply to answers with only a status; use statuses: {%: {…}} for those, or add i-am-sure: true if answers have this code in their body"
	told := func(statuses string) string { return strings.ReplaceAll(inert, "%", statuses) }
	for name, tt := range map[string]struct {
		file string
		want []string
	}{
		"backwards":        {"name: x\nstatuses: {599..500: {}}\n", []string{"f:2:12: the range 599..500 is reversed"}},
		"no status":        {"name: x\nstatuses: {5xx: {}, 500..600: {}, 500-599: {}}\n", []string{`f:2:12: "5xx" is not an HTTP status from 100 to 599, or a range such as 500..599`, `f:2:21: "500..600" is not an HTTP status from 100 to 599, or a range such as 500..599`, `f:2:35: "500-599" is not an HTTP status from 100 to 599, or a range such as 500..599`}},
		"twice":            {"name: x\nstatuses: {503: {}, 503..503: {}}\n", []string{"f:2:21: duplicate key 503..503"}},
		"overlapping":      {"name: x\nstatuses:\n  500..599: {cost: 1}\n  502..503: {cost: 2}\n  400..500: {cost: 3}\n", []string{"f:3:3: the range 500..599 overlaps the range 400..500 in line 5", "f:4:3: the range 502..503 overlaps the range 500..599 in line 3"}},
		"covered":          {"name: x\nstatuses:\n  500..599: {}\n  501..502: {}\n  510..511: {}\n", []string{"f:4:3: the range 501..502 overlaps the range 500..599 in line 3", "f:5:3: the range 510..511 overlaps the range 500..599 in line 3"}},
		"fatal":            {"name: x\nstatuses: {401..404: {attempts: 3}}\n", []string{"f:2:12: statuses[401..404]: attempts: none of these statuses is retryable by itself"}},
		"one mistake":      {"name: x\nstatuses: {500..599: {backoff: {initial: 3s, max: 1s}}}\n", []string{"f:2:12: statuses[500..599].backoff: max 1s is below initial 3s"}},
		"one of it":        {"name: x\nstatuses: {500..599: {backoff: {initial: 3s, max: 5s}}, 503: {backoff: {initial: 2s, max: 1s}}}\n", []string{"f:2:57: statuses[503].backoff: max 1s is below initial 2s"}},
		"without end":      {"name: x\nstatuses: {500..599: {attempts: none, elapsed: none}}\n", []string{"f:2:12: statuses[500..599]: neither attempts nor elapsed has a limit: a call would never end"}},
		"a rule for one":   {"extends: nexpay\nrules:\n  - {code: 503, name: Busy, class: retryable}\n", []string{"f:3:12: code 503 looks like an HTTP status:" + told("503")}},
		"of another table": {"extends: jsonrpc\nrules:\n  - {code: 429, name: Busy, class: retryable}\n", []string{"f:3:12: code 429 looks like an HTTP status:" + told("429")}},
		"beside statuses":  {"extends: http\nstatuses: {429: {cost: none}}\nrules:\n  - {code: 429, name: Busy, class: retryable}\n", []string{"f:4:12: code 429 looks like an HTTP status:" + told("429")}},
		"for a range":      {"name: x\nstatuses: {429: {cost: none}}\nrules:\n  - {code: 400..499, name: Wrong, class: fatal}\n", []string{"f:4:12: the range 400..499 looks like an HTTP status:" + told("400..499")}},
		"a policy for one": {"extends: nexpay\ncodes:\n  503: {attempts: 2}\n", []string{`f:3:3: codes[503]: catalog "Nexpay" has no rule for this code: add one, or remove this entry; for the HTTP status 503 use statuses`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policyfile.Parse("f", []byte(tt.file))
			require.EqualError(t, err, strings.Join(tt.want, "\n"))
		})
	}
	for name, file := range map[string]string{
		"sure":                          "extends: nexpay\nrules:\n  - {code: 503, name: Busy, class: retryable, i-am-sure: true}\n",
		"statuses are the codes":        "extends: http\nrules:\n  - {code: 503, name: Busy, class: retryable}\ncodes: {503: {cost: 1}}\n",
		"by itself":                     oneRule + "  - {code: 404, name: Gone, class: fatal}\n",
		"below":                         "extends: nexpay\nrules:\n  - {code: 150..299, name: Busy, class: retryable}\n",
		"a range of more than statuses": "extends: nexpay\nrules:\n  - {code: 300..600, name: Busy, class: retryable}\n",
	} {
		_, err := policyfile.Parse("f", []byte(file))
		require.NoError(t, err, name)
	}
}
