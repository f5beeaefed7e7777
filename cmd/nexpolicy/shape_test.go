package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const shaped = `name: Cards
answer:
  code: [$.error.decline_code, "$['error'].code"]
  message: $.error.message
  trace-id: header:request-id
  success: ["00", 0]
  idempotency-keys: Idempotency-Key
  idempotent-for: 24h
rules:
  - {code: card_declined, name: Declined, class: fatal, effect: not-applied}
`

func TestShape(t *testing.T) {
	path := file(t, shaped)
	for name, args := range map[string][]string{
		"table-shape":      {"table", "-f", path},
		"table-shape-md":   {"table", "-f", path, "--format", "md"},
		"table-shape-json": {"table", "-f", path, "--format", "json"},
		"diff-shape":       {"diff", "jsonrpc", path},
	} {
		t.Run(name, func(t *testing.T) {
			got := on(0, "", args...)
			require.Empty(t, got.errs)
			golden(t, name, got.out)
		})
	}
	var whole tableJSON
	require.NoError(t, json.Unmarshal([]byte(on(0, "", "table", "-f", path, "--format", "json").out), &whole))
	require.InDelta(t, 86400, whole.Answer["idempotent-for"], 0)

	other := file(t, strings.NewReplacer("[$.error.decline_code, \"$['error'].code\"]", "[\"$['error']['decline_code']\", $.error.code]", "request-id", "Request-ID", `["00", 0]`, `[0, "00"]`, "24h", "1440m").Replace(shaped))
	require.Equal(t, "no differences\n", on(0, "", "diff", path, other).out)
	later := file(t, strings.Replace(shaped, "[$.error.decline_code, \"$['error'].code\"]", "[$.error.code, $.error.decline_code]", 1))
	require.Equal(t, "answers\n  code\n    - $.error.decline_code, $.error.code\n    + $.error.code, $.error.decline_code\n", on(0, "", "diff", path, later).out)
}

// In which unit a header says how long to wait is shown, whether its name says it or
// not: 700 is either no wait at all or twelve minutes.
func TestUnitsOfHeaders(t *testing.T) {
	waits := func(headers string) string {
		return file(t, "name: W\nanswer: {retry-after: ["+headers+"]}\nrules: [{code: busy, name: Busy, class: retryable}]\n")
	}
	mixed := waits("X-Wait, X-Wait-Milliseconds, X-Pause ms, RateLimit, X-RateLimit-Reset")
	require.Contains(t, on(0, "", "table", "-f", mixed).out, "retry-after       X-Wait s, X-Wait-Milliseconds ms, X-Pause ms, RateLimit, X-RateLimit-Reset s\n")
	require.Equal(t, "no differences\n", on(0, "", "diff", waits("X-Wait-Ms, x-wait"), waits("x-wait-ms ms, X-Wait s")).out)
	require.Contains(t, on(0, "", "diff", waits("X-Wait-Ms"), waits("X-Wait-Ms s")).out, "X-Wait-Ms ms → X-Wait-Ms s\n")
	require.Contains(t, on(0, "HTTP/1.1 503 Busy\nx-pause: 700\n\n", "explain", "-", "-f", mixed).out, "the server asks for a wait of 700ms\n")
	require.Contains(t, on(0, "HTTP/1.1 503 Busy\nx-wait: 700\n\n", "explain", "-", "-f", mixed).out, "the server asks for a wait of 11m40s: longer than the limit of 20s, so the call ends\n")
	require.Contains(t, on(0, "HTTP/1.1 403 No\nx-wait: 700\n\n{\"errors\":[{\"code\":\"x\"}]}", "explain", "-", "-f", mixed).out, "the server asks for a wait of 11m40s\n", "it ends anyway")
}

// An answer is read as the table says.
func TestPastedShapes(t *testing.T) {
	const kraken = "name: K\nanswer: {code: '$.error[*]'}\nrules: [{code: \"EAPI:*\", name: API, class: retryable}]\n"
	const first = "name: F\nanswer: {code: '$[0].errorCode', message: '$[0].message'}\nrules: [{code: NOT_FOUND, name: Gone, class: fatal}]\n"
	const words = "name: W\nanswer: {code: '$[*]'}\nrules: [{code: gone, name: Gone, class: fatal}]\n"
	for name, tt := range map[string]struct{ file, in, begin, end string }{
		"a card":                 {shaped, "HTTP/2 402\r\nrequest-id: req_1\r\n\r\n{\"error\":{\"code\":\"card_declined\",\"message\":\"Your card was declined.\"}}", "trace req_1\ncard_declined Declined, HTTP 402\n", "  message       Your card was declined.\n"},
		"another path":           {shaped, `{"error":{"code":"x","decline_code":"stolen"}}`, "stolen: no rule for this code\n", ""},
		"a list of words":        {kraken, "HTTP/2 200\n\n{\"error\":[\"EAPI:Invalid nonce\"]}", "\"EAPI:Invalid nonce\" API, HTTP 200\n", ""},
		"a list":                 {first, "HTTP/2 404\ncontent-type: application/json\n\n[{\"message\":\"No such thing\",\"errorCode\":\"NOT_FOUND\"}]\n", "NOT_FOUND Gone, HTTP 404\n", "  message       No such thing\n"},
		"a list without a head":  {first, " [ {\"errorCode\":\"NOT_FOUND\"} ]", "NOT_FOUND Gone\n", ""},
		"a list of nothing else": {words, "HTTP/1.1 410 Gone\n\n[\"gone\"]", "gone Gone, HTTP 410\n", ""},
		"of another API":         {shaped, "HTTP/2 402\n\n{\"errors\":[{\"code\":50}]}", "no path in answer: code: finds a code in it\nHTTP 402\n", ""},
		"a success":              {shaped, "HTTP/2 201\n\n{\"id\":\"ch_1\"}", "a success: the answer reports no error\n", ""},
		"a line from a log":      {first, `[7] retry: HTTP 404: NOT_FOUND gone {"a":1}`, "NOT_FOUND Gone, HTTP 404\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := on(0, tt.in, "explain", "-", "-f", file(t, tt.file))
			require.Empty(t, got.errs)
			require.True(t, strings.HasPrefix(got.out, tt.begin), got.out)
			require.Contains(t, got.out, tt.end)
		})
	}
}
