package lint_test

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(text)
}

// The program in the README is an example, and the rest of its Go code stands, line
// by line and in this order, in the others.
func TestREADMECodeRuns(t *testing.T) {
	atRoot(t)
	examples, err := os.ReadFile("retry/example_test.go")
	require.NoError(t, err)
	once, err := os.ReadFile("retry/example_once_test.go")
	require.NoError(t, err)
	examples = append(examples, once...)
	for _, more := range []string{"retry/retryhttp/example_test.go"} {
		source, err := os.ReadFile(more)
		require.NoError(t, err)
		examples = append(examples, source...)
	}
	space := regexp.MustCompile(`\s+`)
	normal := func(s string) string { return space.ReplaceAllString(strings.TrimSpace(s), " ") }
	var lines []string
	for line := range bytes.Lines(examples) {
		lines = append(lines, normal(string(line)))
	}
	comment := regexp.MustCompile(`\s+//.*`)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	require.NotEmpty(t, blocks)
	program, err := os.ReadFile("examples/hello/main.go")
	require.NoError(t, err)
	_, program, _ = bytes.Cut(program, []byte("\n")) // its doc comment
	require.Equal(t, string(program), blocks[0][1])
	require.LessOrEqual(t, strings.Count(blocks[0][1], "\n"), 27)
	for _, block := range blocks[1:] {
		at := 0
		for line := range strings.Lines(block[1]) {
			line = normal(comment.ReplaceAllString(line, ""))
			if line == "" || line == "// …" {
				continue
			}
			for at < len(lines) && lines[at] != line {
				at++
			}
			require.Less(t, at, len(lines), "this line stands in no example, or not after those before it: %s", line)
		}
	}
}

// The table of codes says of every code what the tables in the code say.
func TestTableIsTheCodes(t *testing.T) {
	atRoot(t)
	page, err := os.ReadFile("docs/codes.md")
	require.NoError(t, err)
	mode := map[string]policy.BreakerMode{"failure": policy.Failure, "success": policy.Success, "opens it at once": policy.Trip}
	rows := regexp.MustCompile(`(?m)^\| (-?\d[^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$`).FindAllStringSubmatch(string(page), -1)
	told := map[classify.Code]bool{}
	var ranges [][2]classify.Code
	for _, row := range rows {
		class, lockout := strings.CutSuffix(row[2], ", lockout")
		check := func(code classify.Code) {
			rule, ok := classify.Nexpay().Lookup(code)
			require.True(t, ok, "code %s", code)
			require.Equal(t, class, rule.Class.String(), "code %s", code)
			require.Equal(t, lockout, rule.Lockout, "code %s", code)
			require.Equal(t, row[3] == "no*", rule.Effect == classify.NotApplied, "code %s", code)
			p := policy.Nexpay().For(classify.Verdict{Class: rule.Class, Code: code})
			require.Equal(t, mode[row[5]], p.Breaker, "code %s", code)
			told[code] = true
		}
		for _, codes := range strings.Split(row[1], ", ") {
			first, last, isRange := strings.Cut(codes, "..")
			check(number(t, first))
			if isRange {
				check(number(t, last))
				ranges = append(ranges, [2]classify.Code{number(t, first), number(t, last)})
			}
		}
	}
	for _, rule := range classify.Nexpay().Rules() {
		first, _, _ := rule.Bounds()
		known := told[first]
		for _, r := range ranges {
			known = known || r[0].Compare(first) <= 0 && first.Compare(r[1]) <= 0
		}
		require.True(t, known, "docs/codes.md does not have %s", rule.Codes)
	}
}

func number(t *testing.T, s string) classify.Code {
	t.Helper()
	_, err := strconv.Atoi(s)
	require.NoError(t, err)
	return classify.Code(s)
}

func TestREADMEFitsItsPage(t *testing.T) {
	atRoot(t)
	lines := strings.Split(strings.TrimSuffix(readme(t), "\n"), "\n")
	require.LessOrEqual(t, len(lines), 200)
	for _, line := range lines {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 100, line)
	}
}
