package policyfile_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policyfile"
)

const words = `name: Acme
rules:
  - {code: card_declined, name: Declined, class: fatal, effect: not-applied}
  - {code: "EAPI:Invalid nonce", name: Nonce, class: resync}
  - {code: EAPI:*, name: API, class: retryable}
  - {code: '050', name: A word, class: fatal}
  - {code: "50", name: A number, class: retryable}
  - {code: 123456789012345678901234567890..123456789012345678901234567899, name: Large, class: fatal}
  - {code: >-
      51, name: Folded, class: fatal}
codes:
  "EAPI:Rate limit exceeded": {attempts: 2}
  50: {attempts: 3}
`

func TestCodesAreText(t *testing.T) {
	f, err := policyfile.Parse("f", []byte(strings.Replace(words, "{code: >-\n      51, name: Folded, class: fatal}", "code: >-\n      51\n    name: Folded\n    class: fatal", 1)))
	require.NoError(t, err)
	for code, name := range map[classify.Code]string{
		"card_declined": "Declined", "Card_declined": "", "EAPI:Invalid nonce": "Nonce", "EAPI:Rate limit exceeded": "API", "EAPI:": "API", "EAPI": "",
		"050": "A word", "50": "A number", "51": "Folded", "123456789012345678901234567895": "Large", "123456789012345678901234567900": "",
	} {
		rule, _ := f.Policies.Catalog().Lookup(code)
		require.Equal(t, name, rule.Name, code)
	}
	require.Equal(t, 2, f.Policies.Explain("EAPI:Rate limit exceeded").MaxSends)
	require.Equal(t, 4, f.Policies.Explain("EAPI:Busy").MaxSends)
	require.Equal(t, 3, f.Policies.Explain("50").MaxSends)
}

// What YAML, or a version of it, takes for something else than it looks stands in quotes, wherever a code stands.
func TestCodesThatYAMLMisreads(t *testing.T) {
	for written, read := range map[string]string{
		"010": "the number 8", "08": "the number 8", "1_000": "the number 1000", "0x1F": "the number 31", "0b11": "the number 3", "0o17": "the number 15",
		"1e3": "the number 1000", "1.0": "the number 1", ".5": "the number 0.5", "5.": "the number 5", "+50": "the number 50", "-0": "the number 0", "-010": "the number -8",
		".inf": "the number +Inf", ".NaN": "the number NaN", "1:30": "a number to the base of 60", "190:20:30": "a number to the base of 60",
		"on": "yes or no", "Off": "yes or no", "yes": "yes or no", "NO": "yes or no", "y": "yes or no", "true": "yes or no", "False": "yes or no",
		"~": "nothing", "null": "nothing", "NULL": "nothing", "2026-11-02": "a time", "<<": "a merge of mappings",
		"!!str 7": "the type of its tag", "!!int 7": "the type of its tag", "!code 7": "the type of its tag", "!!str \"7\"": "the type of its tag",
	} {
		shown := strings.Trim(written[strings.LastIndex(written, " ")+1:], `"`)
		want := fmt.Sprintf("without quotes YAML reads %s as %s: write %q", shown, read, shown)
		_, err := policyfile.Parse("f", []byte("name: x\nrules:\n  - code: "+written+"\n    name: a\n    class: fatal\n"))
		require.EqualError(t, err, "f:3:11: "+want)
		_, err = policyfile.Parse("f", []byte("extends: nexpay\ncodes:\n  "+written+": {cost: 1}\n"))
		require.EqualError(t, err, "f:3:3: "+want)
		for _, quoted := range []string{`"` + shown + `"`, "'" + shown + "'"} {
			f, err := policyfile.Parse("f", []byte("name: x\nrules:\n  - {code: "+quoted+", name: a, class: retryable}\ncodes:\n  "+quoted+": {attempts: 2}\n"))
			require.NoError(t, err, quoted)
			require.Equal(t, 2, f.Policies.Explain(classify.Code(shown)).MaxSends)
		}
	}
	_, err := policyfile.Parse("f", []byte(`{"name": "x", "rules": [{"code": 1.0, "name": "a", "class": "fatal"}, {"code": true, "name": "a", "class": "fatal"}, {"code": "yes", "name": "a", "class": "fatal"}]}`))
	require.EqualError(t, err, "f:1:34: without quotes YAML reads 1.0 as the number 1: write \"1.0\"\nf:1:80: without quotes YAML reads true as yes or no: write \"true\"")
}

func TestCodeMistakes(t *testing.T) {
	rule := func(code string) string { return "name: x\nrules:\n  - {code: " + code + ", name: a, class: fatal}\n" }
	for file, want := range map[string]string{
		rule(`""`):        `f:3:12: "" is not a code`,
		rule(`" "`):       `f:3:12: invalid code " ": a code has at most 128 bytes, all printable`,
		rule(`"a\u0000"`): `f:3:12: invalid code "a\x00": a code has at most 128 bytes, all printable`,
		rule(`"*"`):       `f:3:12: "*" would match every code; a code without a rule is classified by its HTTP status`,
		rule("1...5"):     `f:3:12: "1...5" is not a range of numbers; write a range as 20000..29999`,
		rule("1 .. 5"):    `f:3:12: "1 .. 5" is not a range of numbers; write a range as 20000..29999`,
		rule("010..020"):  `f:3:12: "010..020" is not a range of numbers; write a range as 20000..29999`,
		rule("5.."):       `f:3:12: "5.." is not a range of numbers; write a range as 20000..29999`,
		rule("7..2"):      `f:3:12: the range 7..2 is reversed`,
		rule("0"):         `f:3:12: code 0 means success`,
		rule("0..0"):      `f:3:12: code 0 means success`,
		rule("a") + "  - {code: \"a\", name: b, class: fatal}\n":                         `f:4:5: code a overlaps code a of the rule in line 3`,
		rule("7") + "  - {code: 7..7, name: b, class: fatal}\n":                          `f:4:5: code 7 overlaps code 7 of the rule in line 3`,
		rule("a*") + "  - {code: a*, name: b, class: fatal}\n":                           `f:4:5: the beginning a* overlaps the beginning a* of the rule in line 3`,
		rule("9..99") + "  - {code: 50..100000000000000000000, name: b, class: fatal}\n": `f:4:5: the range 50..100000000000000000000 overlaps the range 9..99 of the rule in line 3`,
		"extends: nexpay\ncodes:\n  1..5: {cost: 1}\n":                                   `f:3:3: 1..5 means more than one code; only a rule may`,
		rule("EAPI:*") + "codes:\n  \"EAPI:*\": {cost: 1}\n":                             `f:5:3: EAPI:* means more than one code; only a rule may`,
		"extends: nexpay\ncodes:\n  50: {}\n  \"50\": {}\n":                              `f:4:3: duplicate key 50`,
		rule(`"a]: Cost"`) + "codes:\n  \"a]: Cost\": {attempts: 2, cost: 1}\n":          `f:5:3: codes["a]: Cost"] (a): attempts 2: a fatal error is not retryable`,
		rule("Default") + "codes:\n  Default: {attempts: 2}\n":                           `f:5:3: codes[Default] (a): attempts 2: a fatal error is not retryable`,
		rule("MaxAttempts") + "codes:\n  Cost: {cost: 1}\n":                              `f:5:3: codes[Cost]: catalog "x" has no rule for this code: add one, or remove this entry`,
	} {
		_, err := policyfile.Parse("f", []byte(file))
		require.EqualError(t, err, want, file)
	}
}

// What a table knows can be written down, as YAML and as JSON, and is read as it was.
func TestEveryCodeCanBeWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := classify.Code(rapid.OneOf(rapid.StringMatching(`[-+0-9_.:eExXo~<]{1,6}`), rapid.StringN(1, 20, 128), rapid.SampledFrom([]string{"on", "null", "a: b", "# x", "-", "?", "'", `"`, `\`})).Draw(t, "code"))
		if !code.Valid() || strings.HasSuffix(string(code), "*") || strings.Contains(string(code), "..") || code == "0" {
			t.Skip("it is no single code, or none")
		}
		asYAML, err := policyfile.Parse("f", fmt.Appendf(nil, "name: x\nrules: [{code: %q, name: a, class: retryable}]\ncodes: {%[1]q: {attempts: 2}}\n", code))
		require.NoError(t, err)
		quoted, err := json.Marshal(code)
		require.NoError(t, err)
		asJSON, err := policyfile.Parse("f", fmt.Appendf(nil, `{"name": "x", "rules": [{"code": %s, "name": "a", "class": "retryable"}], "codes": {%[1]s: {"attempts": 2}}}`, quoted))
		require.NoError(t, err)
		for _, f := range []*policyfile.File{asYAML, asJSON} {
			require.Equal(t, 2, f.Policies.Explain(code).MaxSends)
			require.Len(t, f.Policies.Catalog().Rules(), 1)
		}
	})
}
