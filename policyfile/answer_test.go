package policyfile_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policyfile"
)

const cards = `name: Cards
answer:
  code: [$.error.decline_code, $.error.code]
  message: $.error.message
  data: "$['error'].param"
  trace-id: [header:Request-Id, $.request_id]
  retry-after: Retry-After-Ms
  success: ["00", 0, SUCCESS]
  idempotency-keys: Idempotency-Key
  idempotent-for: 24h
rules:
  - {code: card_declined, name: Declined, class: fatal, effect: not-applied}
  - {code: E*, name: Other, class: fatal}
`

var cardShape = classify.Shape{
	Code: []string{"$.error.decline_code", "$.error.code"}, Message: []string{"$.error.message"}, Data: []string{"$['error'].param"},
	TraceID: []string{"header:Request-Id", "$.request_id"}, RetryAfter: []string{"Retry-After-Ms"}, Success: []classify.Code{"00", "0", "SUCCESS"},
	IdempotencyKeys: []string{"Idempotency-Key"}, IdempotentFor: 24 * time.Hour,
}

func TestAnswer(t *testing.T) {
	asYAML, err := policyfile.Parse("f", []byte(cards))
	require.NoError(t, err)
	asJSON, err := policyfile.Parse("f", []byte(`{"name": "Cards", "answer": {"code": ["$.error.decline_code", "$.error.code"], "message": "$.error.message", "data": ["$['error'].param"],
		"trace-id": ["header:Request-Id", "$.request_id"], "retry-after": "Retry-After-Ms", "success": ["00", 0, "SUCCESS"], "idempotency-keys": ["Idempotency-Key"], "idempotent-for": "24h"},
		"rules": [{"code": "card_declined", "name": "Declined", "class": "fatal", "effect": "not-applied"}]}`))
	require.NoError(t, err)
	for _, f := range []*policyfile.File{asYAML, asJSON} {
		require.Equal(t, cardShape, f.Policies.Catalog().Shape())
		e := f.Policies.Catalog().Decode(402, http.Header{"Request-Id": {"req_1"}}, []byte(`{"error":{"code":"card_declined","message":"Declined."}}`))
		require.EqualError(t, e, "HTTP 402: card_declined Declined. (trace req_1)")
		require.Equal(t, "Declined", f.Policies.Catalog().Classify(e).Rule)
	}
}

// A table that extends another has its answers, or says all about its own.
func TestAnswerIsInheritedWhole(t *testing.T) {
	for file, want := range map[string]classify.Shape{
		"extends: nexpay\n":                         {},
		"extends: nexpay\nanswer: {}\n":             {},
		"name: x\nanswer: {success: []}\n":          {Success: []classify.Code{}},
		"name: x\nanswer: {status-decides: true}\n": {StatusDecides: true},
		"name: x\nanswer: {success: ok}\n":          {Success: []classify.Code{"ok"}},
		"extends: nexpay\nanswer: {code: $.code}\n": {Code: []string{"$.code"}},
	} {
		f, err := policyfile.Parse("f", []byte(file))
		require.NoError(t, err)
		require.Equal(t, want, f.Policies.Catalog().Shape(), file)
	}
	for _, name := range policyfile.Builtins() {
		data, _ := policyfile.Builtin(name)
		base, err := policyfile.Parse(name, data)
		require.NoError(t, err)
		f, err := policyfile.Parse("f", []byte("extends: "+name+"\nname: Mine\ndefault: {cost: 3}\n"))
		require.NoError(t, err)
		require.Equal(t, base.Policies.Catalog().Shape(), f.Policies.Catalog().Shape(), name)
	}
}

func TestAnswerMistakes(t *testing.T) {
	const member = "a name is missing; .. is not supported"
	for name, tt := range map[string]struct {
		file string
		want []string
	}{
		"plain":            {"name: x\nanswer:\n  code: $.error..code\n", []string{`f:3:17: code "$.error..code": ` + member}},
		"in a list":        {"name: x\nanswer:\n  code:\n    - $.a\n    - $.b..c\n    - $.d..e\n", []string{`f:5:11: code "$.b..c": ` + member, `f:6:11: code "$.d..e": ` + member}},
		"in quotes":        {"name: x\nanswer: {code: \"$.error..code\", message: '$.error..code'}\n", []string{`f:2:25: code "$.error..code": ` + member, `f:2:51: message "$.error..code": ` + member}},
		"behind escapes":   {"name: x\nanswer: {code: \"\\x24.\\u0065.\\\"\", message: '$[''a'']..x'}\n", []string{`f:2:29: code "$.e.\"": put a name with '"' in brackets and quotes: ['…']`, `f:2:53: message "$['a']..x": ` + member}},
		"behind letters":   {"name: ж\nanswer: {code: $.жжж..code}\n", []string{`f:2:22: code "$.жжж..code": ` + member}},
		"over lines":       {"name: x\nanswer:\n  code: >-\n    $.error..code\n  message: \"$.err\\\n    or..code\"\n", []string{`f:3:9: code "$.error..code", character 9: ` + member, `f:5:12: message "$.error..code", character 9: ` + member}},
		"before a line":    {"name: x\nanswer:\n  message: \"$..err\\\n    or\"\n", []string{`f:3:15: message "$..error": ` + member}},
		"at the end":       {"name: x\nanswer: {code: \"$['a\"}\n", []string{`f:2:21: code "$['a": the closing ' is missing`}},
		"no path":          {"name: x\nanswer: {code: error.code, data: \"\", trace-id: \"header:\"}\n", []string{`f:2:16: code "error.code": a path begins with $, as in $.error.code`, `f:2:35: data "": a path begins with $, as in $.error.code`, `f:2:48: trace-id "": invalid header name`}},
		"headers":          {"name: x\nanswer: {retry-after: [a b, Good], idempotency-keys: 'x:', idempotent-for: 1h}\n", []string{`f:2:26: retry-after "a b": only a unit, ms or s, may follow the name of a header`, `f:2:54: idempotency-keys "x:": invalid header name`}},
		"keys for no time": {"name: x\nanswer: {idempotency-keys: Idempotency-Key}\n", []string{"f:2:9: idempotent-for: required with idempotency keys: for how long the API keeps a key"}},
		"a time for no keys": {"name: x\nanswer: {idempotent-for: 1h}\n", []string{
			"f:2:9: idempotency-keys: required with a time: the request header that carries the key"}},
		"a time that is none":   {"name: x\nanswer: {idempotency-keys: Idempotency-Key, idempotent-for: none}\n", []string{`f:2:61: "none" is not a duration, such as 250ms, 10s or 2m`}},
		"keys that are none":    {"name: x\nanswer: {idempotency-keys: {}, idempotent-for: 1h}\n", []string{`f:2:28: expected a single value, not a mapping`}},
		"keys that are not set": {"name: x\nanswer: {idempotency-key: X, idempotent-for: 1h}\n", []string{`f:2:10: unknown field "idempotency-key"; did you mean idempotency-keys?`}},
		"success": {"name: x\nanswer: {success: [00, on, ~, \"\", a*]}\n", []string{`f:2:20: without quotes YAML reads 00 as the number 0: write "00"`, `f:2:24: without quotes YAML reads on as yes or no: write "on"`,
			`f:2:28: without quotes YAML reads ~ as nothing: write "~"`, `f:2:31: "" is not a code`, `f:2:35: a* means more than one code; only a rule may`}},
		"a rule for success":         {"name: x\nanswer: {success: [ok]}\nrules:\n  - {code: ok, name: a, class: fatal}\n  - {code: 0, name: b, class: fatal}\n", []string{"f:4:12: code ok means success"}},
		"which the base table knows": {"extends: nexpay\nanswer: {success: [0, 100]}\n", []string{`f:2:23: success "100": there is a rule "API key locked" (code 100)`}},
		"too many successes":         {"name: x\nanswer: {success: [" + strings.Repeat("a, ", 101) + "]}\n", []string{"f:2:19: 101 codes are more than the 100 that may mean success"}},
		"too many":                   {"name: x\nanswer: {code: [" + strings.Repeat("$.a, ", 17) + "]}\n", []string{"f:2:16: code: more than 16"}},
		"nothing":                    {"name: x\nanswer:\n", []string{"f:2:8: expected fields, not a value: code, message, data, trace-id, retry-after, success, status-decides, idempotency-keys, idempotent-for"}},
		"a path alone":               {"name: x\nanswer: $.code\n", []string{"f:2:9: expected fields, not a value: code, message, data, trace-id, retry-after, success, status-decides, idempotency-keys, idempotent-for"}},
		"and all else":               {"name: x\nanswer: {code: $..a, message: 7, retry-after: [[x]]}\nrules: [{code: 0, name: a, class: fatal}]\ncodes: {1: {}}\n", []string{`f:2:18: code "$..a": ` + member, "f:2:31: message \"7\": a path begins with $, as in $.error.code", "f:2:48: expected a single value, not a list", "f:3:16: code 0 means success", `f:4:9: codes[1]: catalog "x" has no rule for this code: add one, or remove this entry`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policyfile.Parse("f", []byte(tt.file))
			require.EqualError(t, err, strings.Join(tt.want, "\n"))
		})
	}
}

// Wherever in a path the mistake is, and however that is written, the column is that of the letter.
func TestColumnInPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.StringOfN(rapid.SampledFrom([]rune(`aäж€😀'"\/ `)), 0, 6, -1).Draw(t, "name")
		quotedName, err := json.Marshal(before)
		require.NoError(t, err)
		right := "$[" + string(quotedName) + "]"
		path := right + "..x"
		single := "'" + strings.ReplaceAll(path, "'", "''") + "'"
		double, err := json.Marshal(path)
		require.NoError(t, err)
		doubleRight, err := json.Marshal(right)
		require.NoError(t, err)
		const head = "name: x\nanswer:\n  code: "
		columns := func(s string) int { return len([]rune(s)) }
		_, err = policyfile.Parse("f", []byte(head+single+"\n"))
		require.ErrorContains(t, err, fmt.Sprintf("f:3:%d: code ", 9+1+columns(strings.ReplaceAll(right, "'", "''"))+1), path)
		require.NotContains(t, err.Error(), "character")
		for _, file := range []string{head + string(double) + "\n", "{\"name\": \"x\",\n\"answer\":\n\"code\": " + string(double) + "}}"} {
			file = strings.Replace(file, "\"answer\":\n\"code\"", "\"answer\": {\n\"code\"", 1)
			_, err = policyfile.Parse("f", []byte(file))
			require.ErrorContains(t, err, fmt.Sprintf("f:3:%d: code ", 9+columns(string(doubleRight))-1+1), file)
		}
	})
}
