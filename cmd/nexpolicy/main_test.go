package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

var update = flag.Bool("update", false, "write what the tests compare with")

// A result is what a run did.
type result struct {
	out, errs string
	exit      int
}

// on runs the program; width is that of a terminal with colours, zero for a pipe.
func on(width int, in string, args ...string) result {
	var out, errs bytes.Buffer
	exit := run(context.Background(), args, strings.NewReader(in), &screen{Writer: &out, colours: width > 0, width: width}, &errs)
	return result{out.String(), errs.String(), exit}
}

func file(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "policies.yaml")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// golden compares with a file, and is the place to see what the program prints.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run go test -update")
}

const changed = `extends: nexpay
attempt-timeout: 5s
codes:
  -32603: {attempts: 2, backoff: {initial: 1s}}
  130: {breaker: failure}
rules:
  - {code: 150, name: Maintenance, class: retryable}
  - {code: 20555, name: Refused for good, class: fatal}
statuses:
  429: {cost: none}
default: {breaker: ignored, max-retry-after: 15s}
breaker: {consecutive-failures: 8, failure-ratio: none, report-only: true}
budget: {refund: price}
`

func TestOutput(t *testing.T) {
	path := file(t, changed)
	for name, tt := range map[string]struct {
		width int
		in    string
		args  []string
		exit  int
	}{
		"explain":            {args: []string{"explain", "-32603"}},
		"explain-status":     {args: []string{"explain", "-32603", "--status", "429"}},
		"explain-screen":     {width: 80, args: []string{"explain", "100"}},
		"explain-unknown":    {args: []string{"explain", "--status", "503", "777"}},
		"explain-other":      {args: []string{"explain", "14", "-f", "grpc"}},
		"explain-set-by":     {args: []string{"explain", "130", "-f", path}},
		"explain-set-by-all": {args: []string{"explain", "-32603", "--status", "429", "-f", path}},
		"explain-answer":     {args: []string{"explain", "-"}, in: "HTTP/2 403 Forbidden\r\nRetry-After: 20\r\n\r\n{\"errors\":[{\"code\":100},{\"code\":50}],\"traceId\":\"9e01\"}"},
		"table":              {args: []string{"table"}},
		"table-screen":       {width: 110, args: []string{"table"}},
		"table-http":         {args: []string{"table", "--file", "http", "--format", "md"}},
		"table-json":         {args: []string{"table", "--file", "jsonrpc", "--format", "json"}},
		"diff":               {args: []string{"diff", "nexpay", path}, exit: exitDiffers},
		"diff-screen":        {width: 80, args: []string{"diff", path, "nexpay"}, exit: exitDiffers},
		"diff-same":          {args: []string{"diff", path, path}},
		"schedule":           {args: []string{"schedule", "-32603"}},
		"schedule-screen":    {width: 80, args: []string{"schedule", "-32603"}},
		"schedule-resync":    {args: []string{"schedule", "50"}},
		"schedule-fix":       {args: []string{"schedule", "30010"}},
		"schedule-fatal":     {args: []string{"schedule", "100"}},
		"schedule-no-limits": {args: []string{"schedule", "-32603", "--file", file(t, "extends: nexpay\ndefault: {attempts: none, elapsed: 20s, backoff: {initial: 1s, max: 4s, jitter: equal}}\n")}},
		"schedule-for-ever":  {args: []string{"schedule", "-32603", "--file", file(t, "extends: nexpay\ndefault: {attempts: 100, elapsed: none, max-retry-after: none, backoff: {initial: 1s, multiplier: 3, jitter: none}}\n")}},
		"lint":               {args: []string{"lint", path}},
		"help":               {},
	} {
		t.Run(name, func(t *testing.T) {
			got := on(tt.width, tt.in, tt.args...)
			require.Empty(t, got.errs)
			require.Equal(t, tt.exit, got.exit)
			golden(t, name, strings.ReplaceAll(got.out, path, "policies.yaml"))
		})
	}
}

// A pipe gets no colours, no frames and no line that was broken; a terminal's width is kept.
func TestPlainAndWide(t *testing.T) {
	for _, args := range [][]string{{"table"}, {"explain", "50"}, {"schedule", "-32603"}} {
		plain := on(0, "", args...).out
		require.NotContains(t, plain, "\x1b")
		require.NotContains(t, plain, "│")
		for _, width := range []int{70, 80, 200} {
			screen := on(width, "", args...).out
			require.Contains(t, screen, "\x1b[")
			if args[0] == "explain" {
				for line := range strings.Lines(screen) {
					require.LessOrEqual(t, len([]rune(escapes.Replace(strings.TrimRight(line, "\n")))), width)
				}
			}
		}
	}
}

var escapes = strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[1;36m", "")

func TestMistakes(t *testing.T) {
	for want, args := range map[string][]string{
		`invalid code " "`:                               {"explain", " "},
		"0 means no error":                               {"explain", "0"},
		"--status 42 is not an HTTP status":              {"explain", "50", "--status", "42"},
		"there is no file and no built-in table nowhere": {"explain", "50", "--file", "nowhere"},
		"the built-in tables are adyen, anthropic":       {"table", "--file", "nowhere"},
		"accepts 1 arg(s), received 0":                   {"explain"},
		"--format xml is not one of":                     {"table", "--format", "xml"},
		`unknown command "explian"`:                      {"explian", "50"},
		"unknown flag: --staus":                          {"explain", "50", "--staus", "1"},
		"no such file":                                   {"lint", "nowhere.yaml"},
		"accepts 2 arg(s)":                               {"diff", "nexpay"},
		"standard input is empty":                        {"explain", "-"},
		"no such file or directory":                      {"schedule", "50", "--svg", "nowhere/x.svg"},
	} {
		got := on(0, "", args...)
		require.Equal(t, exitMistaken, got.exit, "%v", args)
		require.Contains(t, got.errs, want, "%v", args)
		require.True(t, strings.HasPrefix(got.errs, "nexpolicy: "))
	}
}

func TestLint(t *testing.T) {
	wrong := file(t, "extends: nexpay\ncodes: {80: {attempts: 3}}\nx: 1\n")
	got := on(0, "", "lint", wrong, file(t, changed))
	require.Equal(t, exitDiffers, got.exit)
	require.Contains(t, got.out, wrong+":2:9: codes[80] (No permissions): attempts 3: a fatal error is not retryable\n")
	require.Contains(t, got.out, wrong+`:3:1: unknown field "x"`)
	require.Contains(t, got.out, "valid: 31 rules")
	require.Equal(t, exitMistaken, on(0, "", "lint", wrong, "nowhere.yaml").exit)

	scarce := file(t, "extends: nexpay\ncodes:\n  -32603: {attempts: 20}\n")
	got = on(0, "", "lint", scarce)
	require.Zero(t, got.exit)
	require.Contains(t, got.out, scarce+":3:3: note: codes[-32603]: 20 attempts at 10 tokens a retry: a full budget of 100 pays for 11 attempts")
}

// A word that no rule knows may be one that was mistyped. A number is another one.
func TestDidYouMean(t *testing.T) {
	path := file(t, "name: x\nrules:\n"+
		"  - {code: limit_exceeded, name: a, class: fatal}\n  - {code: limits_exceeded, name: b, class: fatal}\n  - {code: \"EAPI:Invalid nonce\", name: c, class: resync}\n"+
		"  - {code: E*, name: d, class: fatal}\n  - {code: 1007, name: e, class: fatal}\n  - {code: ok, name: f, class: fatal}\n")
	for typed, want := range map[string]string{
		"limit_exceded":      "limit_exceeded, limits_exceeded",
		"LIMITS-EXCEEDED":    "limits_exceeded, limit_exceeded",
		"api:invalid nonce":  `"EAPI:Invalid nonce"`,
		"on":                 "",
		"oK":                 "ok",
		"1008":               "",
		"100":                "",
		"insufficient_funds": "",
		"limit_exceeded":     "",
		"EOther":             "", // which a rule knows
	} {
		got := on(0, "", "explain", typed, "-f", path)
		require.Empty(t, got.errs)
		if want == "" {
			require.NotContains(t, got.out, "did you mean", typed)
		} else {
			require.Contains(t, got.out, "  did you mean  "+want+"\n", typed)
			require.Contains(t, on(0, "", "schedule", typed, "-f", path).out, "  did you mean  "+want+"\n", typed)
		}
	}
	require.NotContains(t, on(0, "HTTP/1.1 400 Bad\n\n{\"errors\":[{\"code\":\"limit_exceded\"}]}", "explain", "-", "-f", path).out, "did you mean", "the API does not mistype")
}

const words = `name: Cards
rules:
  - {code: card_declined, name: Declined, class: fatal}
  - {code: "EAPI:Invalid nonce", name: Nonce, class: resync}
  - {code: no, name: No, class: fatal}
`

// A word is found where it can hardly be prose.
func TestPastedWords(t *testing.T) {
	path := file(t, strings.Replace(words, "no,", `"no",`, 1))
	for in, first := range map[string]string{
		"card_declined\n":                       "card_declined Declined\n",
		"EAPI:Invalid nonce\n":                  "\"EAPI:Invalid nonce\" Nonce\n",
		`{"errors":[{"code":"card_declined"}]}`: "card_declined Declined\n",
		`{"error":{"code":"card_declined"}}`:    "card_declined Declined\n",
		"retry: pay: fatal: HTTP 402: card_declined Your card was declined.":       "card_declined Declined, HTTP 402\n",
		`retry: pay: HTTP 400: "EAPI:Invalid nonce" (trace 5f2c)`:                  "trace 5f2c\n\"EAPI:Invalid nonce\" Nonce, HTTP 400\n",
		`level=WARN msg="retry: resend" code="EAPI:Invalid nonce" status=400`:      "\"EAPI:Invalid nonce\" Nonce, HTTP 400\n",
		`{"level":"WARN","code":"EAPI:Invalid nonce","status":400}`:                "\"EAPI:Invalid nonce\" Nonce, HTTP 400\n",
		`level=WARN msg="retry: unknown code" unknown_code=stolen_card status=402`: "stolen_card: no rule for this code, HTTP 402 decides\n",
		`{"unknown_code":"new thing","status":402}`:                                "\"new thing\": no rule for this code, HTTP 402 decides\n",
		"retry: pay: HTTP 402: your card was declined":                             "HTTP 402\n",
		"locked out by code card_declined (Declined) since now":                    "card_declined Declined\n",
		"an error with a code of its own: HTTP 402":                                "HTTP 402\n",
	} {
		got := on(0, in, "explain", "-", "-f", path)
		require.Empty(t, got.errs, in)
		require.True(t, strings.HasPrefix(got.out, first), "%s\n%s", in, got.out)
	}
}

// Whatever form an answer was pasted in.
func TestPastedAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		in    string
		first string
	}{
		"a body":              {`{"errors":[{"code":50,"message":"Nonce"}]}`, "50 Nonce is not monotonous\n"},
		"headers before it":   {"HTTP/1.1 429 Too Many Requests\nRetry-After: 7\n\n{\"errors\":[{\"code\":-32603}]}\n", "the server asks for a wait of 7s\n-32603 Internal error, HTTP 429\n"},
		"as curl -v has it":   {"* Connected\n> GET / HTTP/2\n< HTTP/2 503 \n< date: x\n<\nupstream down\n", "HTTP 503\n"},
		"a line from a log":   {`level=ERROR msg="retry: balance: attempts used up: HTTP 500: -32603 Internal error (trace 5f2c) (4 sends in 1.31s)"`, "trace 5f2c\n-32603 Internal error, HTTP 500\n"},
		"a locked key":        {`retry: balance: API key "main" is locked out by code 100 (API key locked) since 2026-03-04T04:06:07Z, trace 9e01; action: Find out (nothing sent)`, "trace 9e01\n100 API key locked\n"},
		"an event":            {`level=WARN msg="retry: resend" name=balance attempts=1 class=retryable rule="Internal error" effect=unknown code=-32603 status=500 trace=5f2c wait=0s`, "trace 5f2c\n-32603 Internal error, HTTP 500\n"},
		"an event in JSON":    {`{"level":"WARN","msg":"retry: resend","name":"balance","code":-32603,"status":500,"trace":"5f2c"}`, "trace 5f2c\n-32603 Internal error, HTTP 500\n"},
		"a log without trace": {"retry: fatal, not retryable: HTTP 403 (1 send in 2ms)", "HTTP 403\n"},
		"a code":              {" 100\n", "100 API key locked\n"},
		"JSON-RPC":            {`{"jsonrpc":"2.0","error":{"code":-32600,"message":"x"},"id":null}`, "-32600 Invalid Request\n"},
		"gRPC over HTTP":      {`{"code": 80, "message": "x", "details": []}`, "80 No permissions\n"},
		"a code nobody knows": {"HTTP/1.1 200 OK\n\n{\"errors\":[{\"code\":777}]}", "777: no rule for this code, HTTP 200 decides\n"},
		"several":             {`{"errors":[{"code":30010},{"code":80}],"traceId":"x"}`, "trace x\nalso in the answer: 30010 Invalid request parameter\n80 No permissions\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := on(0, tt.in, "explain", "-")
			require.Empty(t, got.errs)
			require.True(t, strings.HasPrefix(got.out, tt.first), got.out)
		})
	}
	require.Contains(t, on(0, `{"errors":[{"code":-32603}]}`, "explain", "-", "--status", "429").out, ", HTTP 429\n")
	require.Contains(t, on(0, "hello", "explain", "-").errs, "no answer in JSON and no line")
	require.Contains(t, on(0, strings.Repeat("x", 2<<20), "explain", "-").errs, "more than 1 MiB")
	got := on(0, "x", "explain", "-")
	require.Equal(t, exitMistaken, got.exit)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the terminal is gone") }

func TestBrokenInput(t *testing.T) {
	var errs bytes.Buffer
	require.Equal(t, exitMistaken, run(context.Background(), []string{"explain", "-"}, broken{}, &screen{Writer: io.Discard}, &errs))
	require.Contains(t, errs.String(), "the terminal is gone")
}

// FuzzPasted lets anything be pasted: it is explained or refused, and no order to a terminal comes through.
func FuzzPasted(f *testing.F) {
	f.Add("HTTP/2 403 Forbidden\r\nRetry-After: 20\r\n\r\n{\"errors\":[{\"code\":100},{\"code\":50}],\"traceId\":\"9e01\"}")
	f.Add("HTTP/1.1 100 Continue\n\n< HTTP/1.1 403 \n<\n{ [7 bytes data]\n{\"errors\":[{\"code\":100}]}HTTP/2 503 \nNel: {")
	f.Add("HTTP 500: -32603 Internal error (trace 5f2c)")
	f.Add(`{"error":{"code":-32600}}`)
	f.Add(" -7 ")
	f.Add("{\"errors\":[{\"code\":1e400,\"message\":\"\x1b[2J\"}],\"traceId\":\"\x1b]0;x\a\"}")
	f.Fuzz(func(t *testing.T, in string) {
		got := on(0, in, "explain", "-")
		if (got.exit == exitFine) == (got.out == "") {
			t.Fatalf("%+v", got)
		}
		if strings.ContainsFunc(got.out+got.errs, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }) {
			t.Fatalf("%q", got.out+got.errs)
		}
	})
}

func TestVersion(t *testing.T) {
	got := on(0, "", "--version")
	require.Regexp(t, `^nexpolicy version \S+\n$`, got.out)
}

func TestCompletion(t *testing.T) {
	got := on(0, "", "__complete", "explain", "-f", "grpc", "1")
	require.Contains(t, got.out, "14\tUNAVAILABLE\n")
	require.Contains(t, on(0, "", "__complete", "explain", "--file", "").out, "jsonrpc\n")
	require.Contains(t, on(0, "", "__complete", "table", "--format", "").out, "md\n")
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		require.Contains(t, on(0, "", "completion", shell).out, "nexpolicy")
	}
}

// Every command has examples, and each of them that needs nothing else runs.
func TestHelpHasExamples(t *testing.T) {
	root := newRoot(strings.NewReader(""), &screen{Writer: io.Discard})
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" || cmd.Name() == "help" {
			continue
		}
		require.NotEmpty(t, cmd.Example, cmd.Name())
		for line := range strings.Lines(cmd.Example) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
			require.Contains(t, line, "nexpolicy "+cmd.Name())
			if strings.ContainsAny(line, "|<*") || strings.Contains(line, ".") {
				continue
			}
			require.Equal(t, exitFine, on(0, "", strings.Fields(line)[1:]...).exit, line)
		}
	}
}

func TestJSONIsWhole(t *testing.T) {
	var got tableJSON
	require.NoError(t, json.Unmarshal([]byte(on(0, "", "table", "--format", "json").out), &got))
	for _, r := range classify.Nexpay().Rules() {
		found := false
		for _, c := range got.Codes {
			first, _, _ := strings.Cut(c.Codes, "..")
			found = found || c.Name == r.Name && r.Matches(classify.Code(first))
		}
		require.True(t, found, r.Codes)
	}
}

// The file of docs/your-api.md is right, and the answers that the page tells of are understood.
func TestYourAPI(t *testing.T) {
	const path = "../../examples/ownapi/transfers/transfers.yaml"
	require.Equal(t, path+": valid: 3 rules, policies for 0 codes\n", on(0, "", "lint", path).out)
	require.Contains(t, on(0, "", "table", "-f", path).out, "retry-after       X-Wait-Ms ms\n")
	for answer, want := range map[string]string{
		"HTTP/1.1 422 x\n\n{\"problem\":{\"reason\":\"limit_exceeded\",\"detail\":\"Daily limit\"},\"meta\":{\"rid\":\"r-77\"}}": "trace r-77\nlimit_exceeded Daily limit reached, HTTP 422\n  class         fatal; effect not applied\n",
		"HTTP/1.1 429 x\nX-Wait-Ms: 700\n\n{\"problem\":{\"reason\":\"slow_down\"}}":                                             "the server asks for a wait of 700ms\nslow_down Too many requests, HTTP 429\n  class         retryable; effect unknown\n",
		"HTTP/1.1 503 x\n\n<html>down</html>":                             "no path in answer: code: finds a code in it\nHTTP 503\n  class         retryable; effect unknown\n",
		"HTTP/1.1 200 OK\n\n{\"problem\":{\"reason\":\"ledger_closed\"}}": "ledger_closed Ledger closed, HTTP 200\n  class         fatal; effect unknown\n",
		"HTTP/1.1 201 Created\n\n{\"data\":{\"id\":\"tr_1\"}}":            "a success: the answer reports no error\n",
	} {
		got := on(0, answer, "explain", "-", "-f", path)
		require.True(t, strings.HasPrefix(got.out, want), got.out)
	}
}

// The table in docs/codes.md is this program's.
func TestTableOfCodes(t *testing.T) {
	const path, begin, end = "../../docs/codes.md", "<!-- go run ./cmd/nexpolicy table --format md -->\n", "<!-- end -->"
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	there, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	want := on(0, "", "table", "--format", "md").out
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(before+begin+want+end+after), 0o644))
		there = want
	}
	require.Equal(t, want, there, "run go test -update")
}
