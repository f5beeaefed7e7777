package lint_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

// pages returns what is written for people, by path: every Markdown file.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || name == ".":
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case strings.HasSuffix(name, ".md"):
			text, err := os.ReadFile(name)
			found[filepath.ToSlash(name)] = string(text)
			return err
		}
		return nil
	})
	require.NoError(t, err)
	return found
}

// design is the page that has the rules.
const design = "docs/design.md"

var (
	ruleName    = regexp.MustCompile(`\b[MNLBS][1-9][0-9]?\b`)
	ruleHeading = regexp.MustCompile(`(?m)^#{3,4} ([MNLBS][1-9][0-9]?) — `)
)

// written are the rules that the design has.
var written = sync.OnceValue(func() []string {
	page, err := os.ReadFile(design)
	if err != nil {
		return nil // then every one is missing
	}
	var names []string
	for _, h := range ruleHeading.FindAllStringSubmatch(string(page), -1) {
		names = append(names, h[1])
	}
	return names
})

// unwritten returns the names of rules in text that have no heading in the design.
func unwritten(text string) []string {
	return slices.DeleteFunc(ruleName.FindAllString(text, -1), func(name string) bool { return slices.Contains(written(), name) })
}

// unwrittenRules finds names of rules that nobody can look up, in comments and
// strings. The tests of this test name some on purpose.
func unwrittenRules(tr *tree) (found []string) {
	for _, f := range tr.files {
		if f.folder == "internal/lint" {
			continue
		}
		for _, group := range f.Comments {
			for _, line := range group.List {
				for _, name := range unwritten(line.Text) {
					found = append(found, tr.complaint(line, "%s has no heading in %s", name, design))
				}
			}
		}
		ast.Inspect(f.File, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				for _, name := range unwritten(text(lit)) {
					found = append(found, tr.complaint(lit, "%s has no heading in %s", name, design))
				}
			}
			return true
		})
	}
	return found
}

func TestPagesCiteRulesThatAreWritten(t *testing.T) {
	atRoot(t)
	for name, page := range pages(t) {
		require.Empty(t, unwritten(page), name)
	}
	require.Equal(t, []string{"M11", "B9"}, unwritten("M1, M11 and (B9)"))
}

var (
	code    = regexp.MustCompile("(?s)```.*?\n *```|`[^`\n]*`")
	fenced  = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// broken returns what is wrong with the links of a page that stay in the
// repository.
func broken(all map[string]string, name string) (found []string) {
	for _, to := range link.FindAllStringSubmatch(code.ReplaceAllString(all[name], ""), -1) {
		if strings.Contains(to[1], "://") {
			continue
		}
		file, anchor, _ := strings.Cut(to[1], "#")
		target := path.Join(path.Dir(name), file)
		if file == "" {
			target = name
		}
		if _, err := os.Stat(target); err != nil && all[target] == "" {
			found = append(found, fmt.Sprintf("%s: there is no %s", name, to[1]))
		} else if anchor != "" && !slices.Contains(anchors(all[target]), anchor) {
			found = append(found, fmt.Sprintf("%s: there is no heading for %s", name, to[1]))
		}
	}
	return found
}

// anchors are those that GitHub makes of the headings of a page. Of two that are alike the
// second ends in -1.
func anchors(page string) (names []string) {
	seen := map[string]int{}
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, h[1])
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, seen[name]-1)
		}
		names = append(names, name)
	}
	return names
}

func TestLinksLeadSomewhere(t *testing.T) {
	atRoot(t)
	all := pages(t)
	for name := range all {
		require.Empty(t, broken(all, name))
	}
	require.Len(t, broken(map[string]string{
		"docs/a.md": "[a](b.md) [b](c.md) [c](#what-is-m1) [d](b.md#x) [e](#nothing) [f](../go.mod) [g](https://x.example/y) `f[int](x)`\n## What is M1?\n",
		"docs/b.md": "# b\n",
	}, "docs/a.md"), 3)
	require.Equal(t, []string{"a", "a-1"}, anchors("# A\n```sh\n# a comment\n```\n## A\n"))
}

var citation = regexp.MustCompile(`\bdocs/[a-z-]+\.md(?:#[\w-]+)?`)

// What comments and texts say of pages is there as well.
func TestCodeCitesPagesThatAreThere(t *testing.T) {
	atRoot(t)
	all := pages(t)
	for _, f := range readTree(t).files {
		if f.folder == "internal/lint" || f.path == "internal/story/runbook_test.go" {
			continue
		}
		source, err := os.ReadFile(f.path)
		require.NoError(t, err)
		for _, to := range citation.FindAllString(string(source), -1) {
			require.Empty(t, broken(map[string]string{"": "[x](" + to + ")", pageOf(to): all[pageOf(to)]}, ""), f.path)
		}
	}
}

func pageOf(citation string) string {
	page, _, _ := strings.Cut(citation, "#")
	return page
}

const index = "docs/README.md"

// unlisted returns the pages of a folder that its index does not have in exactly one line.
func unlisted(index string, pages []string) (found []string) {
	for _, page := range pages {
		if n := strings.Count(index, "]("+page+")"); n != 1 {
			found = append(found, fmt.Sprintf("%s stands there %d times", page, n))
		}
	}
	return found
}

func TestIndexHasEveryPage(t *testing.T) {
	atRoot(t)
	var names []string
	for name := range pages(t) {
		if path.Dir(name) == path.Dir(index) && name != index {
			names = append(names, path.Base(name))
		}
	}
	text, err := os.ReadFile(index)
	require.NoError(t, err)
	require.Empty(t, unlisted(string(text), names))
	require.Len(t, unlisted("[a](a.md) [a](a.md) [b](b.md#x) [c](c.md)", []string{"a.md", "b.md", "c.md"}), 2)
}

// Pages that keep to a width, so that they can be read, and compared, in a terminal.
var narrow = []string{
	index, "docs/coming-from.md", "docs/faq.md", "docs/glossary.md", "docs/idempotency-keys.md", "docs/runbook.md", "docs/testing.md",
}

func TestPagesAreNarrow(t *testing.T) {
	atRoot(t)
	for _, name := range narrow {
		page, err := os.ReadFile(name)
		require.NoError(t, err)
		for line := range strings.Lines(string(page)) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 100, "%s: %s", name, line)
		}
	}
}

// examples are the folders whose files a page shows whole, one after the other: there
// the code is compiled, and its tests run.
var examples = map[string]struct {
	folder string
	files  []string
}{
	"docs/your-api.md": {"examples/ownapi/transfers", []string{"transfers.yaml", "client.go", "explain.go", "transfers_test.go"}},
}

var shown = regexp.MustCompile("(?ms)^```(?:go|yaml)\n(.*?)^```$")

// differing returns where a page shows something else than the files of its folder.
func differing(page, folder string, files []string) (found []string) {
	blocks := shown.FindAllStringSubmatch(page, -1)
	if len(blocks) != len(files) {
		return []string{fmt.Sprintf("%d blocks of code, and %d files in %s", len(blocks), len(files), folder)}
	}
	for i, file := range files {
		text, err := os.ReadFile(path.Join(folder, file))
		if err != nil || string(text) != blocks[i][1] {
			found = append(found, fmt.Sprintf("block %d is not %s/%s", i+1, folder, file))
		}
	}
	return found
}

func TestPagesShowCodeThatRuns(t *testing.T) {
	atRoot(t)
	for name, in := range examples {
		page, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Empty(t, differing(string(page), in.folder, in.files), name)
		there, err := os.ReadDir(in.folder)
		require.NoError(t, err)
		require.Len(t, there, len(in.files), "%s: the page shows all of it", in.folder)
		require.Len(t, differing(strings.Replace(string(page), "package transfers", "package transfer", 1), in.folder, in.files), 1)
		require.Len(t, differing("```go\n```\n", in.folder, in.files), 1)
	}
}

// excerpts are the pages that show parts of files, and those files: there the code is
// compiled, and tested, that of durable/testdata by a script that needs a network.
var excerpts = map[string][]string{
	"docs/coming-from.md":      {"examples/peers/coming/*_test.go"},
	"docs/durable.md":          {"durable/temporalretry/example_test.go", "durable/riverretry/example_test.go", "durable/testdata/dbos/payments.go"},
	"docs/idempotency-keys.md": {"retry/example_key_test.go", "retry/retryhttp/example_key_test.go"},
	"docs/nonces.md":           {"examples/lanes/recipes_test.go"},
	"docs/observe-page.md":     {"resiliencedebug/example_test.go"},
	"docs/sdks.md":             {"examples/sdks/*.go"},
	"docs/testing.md":          {"nexpay/nexpaytest/guide_test.go", "keylease/keyleasetest/keyleasetest_test.go"},
}

// The lookups that two pages show stand in files whose tests run them.
func TestPagesShowLookupsThatRun(t *testing.T) {
	atRoot(t)
	for name, file := range map[string]string{
		"docs/payments.md": "retry/example_verify_test.go",
		"docs/http.md":     "retry/retryhttp/example_lookup_test.go",
	} {
		page, err := os.ReadFile(name)
		require.NoError(t, err)
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		lookups := slices.DeleteFunc(shown.FindAllStringSubmatch(string(page), -1), func(block []string) bool {
			return !strings.Contains(block[1], "func lookUp(")
		})
		require.Len(t, lookups, 1, name)
		require.Contains(t, string(source), lookups[0][1], name)
	}
}

// strangers returns the blocks of Go of a page that stand in none of the sources: line for
// line, indented or not. "// …" stands for what is left out.
func strangers(page string, sources []string) (found []string) {
	for _, block := range shown.FindAllStringSubmatch(page, -1) {
		if !slices.ContainsFunc(sources, func(source string) bool { return excerpt(block[1], source) }) {
			found = append(found, block[1])
		}
	}
	return found
}

// excerpt reports whether the parts of block, with "// …" between them, are in source, in
// this order.
func excerpt(block, source string) bool {
	rest := strings.Split(source, "\n")
	for part := range strings.SplitSeq(gap.ReplaceAllString(block, "\x00"), "\x00") {
		lines := strings.Split(strings.Trim(part, "\n"), "\n")
		at := -1
		for i := range rest {
			if begins(rest[i:], lines) {
				at = i + len(lines)
				break
			}
		}
		if at < 0 {
			return false
		}
		rest = rest[at:]
	}
	return true
}

var gap = regexp.MustCompile(`(?m)^\t*// …\n`)

// begins reports whether text begins with lines, all of them indented by as many tabs more.
func begins(text, lines []string) bool {
	if len(text) < len(lines) {
		return false
	}
	indent := strings.TrimSuffix(text[0], lines[0])
	if strings.Trim(indent, "\t") != "" {
		return false
	}
	for i, line := range lines {
		if line != "" {
			line = indent + line
		}
		if text[i] != line {
			return false
		}
	}
	return true
}

func TestPagesShowPartsOfCodeThatRuns(t *testing.T) {
	atRoot(t)
	for name, files := range excerpts {
		page, err := os.ReadFile(name)
		require.NoError(t, err)
		var sources []string
		for _, pattern := range files {
			matches, err := filepath.Glob(pattern)
			require.NoError(t, err)
			require.NotEmpty(t, matches, pattern)
			for _, file := range matches {
				source, err := os.ReadFile(file)
				require.NoError(t, err)
				sources = append(sources, string(source))
			}
		}
		require.Regexp(t, "```go", string(page), name)
		require.Empty(t, strangers(string(page), sources), name)
	}
	source := "func f() {\n\ta()\n\n\tif b {\n\t\tc()\n\t}\n}\n"
	for block, there := range map[string]bool{
		"a()\n\nif b {\n\tc()\n}\n":       true,
		"a()\n// …\nif b {\n\tc()\n}\n":   true,
		"if b {\n\t// …\n}\n":             true,
		"func f() {\n\ta()\n// …\n}\n":    true,
		"a()\nif b {\n\tc()\n}\n":         false, // a line is missing
		"if b {\nc()\n}\n":                false, // indented in another way
		"c()\n// …\na()\n":                false, // in another order
		"a() // and more\n":               false,
		"if b {\n\tc()\n}\n// …\n}\n":     true,
		"if b {\n\tc()\n}\n// …\n\tc()\n": false,
	} {
		require.Equal(t, there, excerpt(block, source), block)
	}
}

// What is said of another library was seen in the version that is named.
func TestPeersAreThoseThatWereRun(t *testing.T) {
	atRoot(t)
	page, err := os.ReadFile("docs/coming-from.md")
	require.NoError(t, err)
	mod, err := os.ReadFile("examples/peers/go.mod")
	require.NoError(t, err)
	peers := regexp.MustCompile(`(?m)^\| .* \| (github\.com/\S+ v\S+) \|$`).FindAllStringSubmatch(string(page), -1)
	require.Len(t, peers, 6)
	for _, peer := range peers {
		require.Regexp(t, `\t`+regexp.QuoteMeta(peer[1])+`( //.*)?\n`, string(mod))
	}
}

// What the page on metrics shows stands in the examples of the two packages.
func TestObservePageShowsCodeThatRuns(t *testing.T) {
	atRoot(t)
	page, err := os.ReadFile("docs/observe.md")
	require.NoError(t, err)
	blocks := shown.FindAllStringSubmatch(string(page), -1)
	files := []string{"promretry/example_test.go", "otelretry/example_test.go", "otelretry/example_test.go"}
	require.Len(t, blocks, len(files))
	for i, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(source), strings.TrimSpace(blocks[i][1]), file)
	}
}

var (
	faultRow  = regexp.MustCompile(`(?m)^\| (.*) \| (.*) \| (.*) \|$`)
	namedTest = regexp.MustCompile(`\[((?:Test|Fuzz)\w+)\]\(([^)]+)\)`)
)

// Each fault of the field has a test, and it is where the page says.
func TestFaultsOfTheFieldAreTested(t *testing.T) {
	atRoot(t)
	page, err := os.ReadFile("docs/field.md")
	require.NoError(t, err)
	rows := 0
	for _, row := range faultRow.FindAllStringSubmatch(string(page), -1) {
		if row[1] == "fault" || row[1] == "---" {
			continue
		}
		rows++
		require.Regexp(t, namedTest, row[3], row[1])
	}
	require.Greater(t, rows, 30)
}

// Tests that a page names are where it says.
func TestTestsThatPagesNameAreThere(t *testing.T) {
	atRoot(t)
	for name, page := range pages(t) {
		for _, test := range namedTest.FindAllStringSubmatch(page, -1) {
			source, err := os.ReadFile(path.Join(path.Dir(name), test[2]))
			require.NoError(t, err)
			require.Contains(t, string(source), "\nfunc "+test[1]+"(", "%s is not in %s", test[1], test[2])
		}
	}
}

// The design's table of codes says what the catalog says.
func TestDesignTableIsTheCatalogs(t *testing.T) {
	atRoot(t)
	page, err := os.ReadFile(design)
	require.NoError(t, err)
	rows := regexp.MustCompile(`(?m)^\| (-?\d[^|]*) \| ([a-z -]+) \| ([a-z -]+) \| (yes )?\|$`).FindAllStringSubmatch(string(page), -1)
	var told [][2]classify.Code
	for _, row := range rows {
		for codes := range strings.SplitSeq(row[1], ", ") {
			first, last, isRange := strings.Cut(codes, "..")
			if !isRange {
				last = first
			}
			told = append(told, [2]classify.Code{number(t, first), number(t, last)})
			for _, code := range told[len(told)-1] {
				rule, ok := classify.Nexpay().Lookup(code)
				require.True(t, ok, "code %s", code)
				require.Equal(t, []any{row[2], row[3], row[4] != ""}, []any{rule.Class.String(), rule.Effect.String(), rule.Lockout}, "code %s", code)
			}
		}
	}
	for _, rule := range classify.Nexpay().Rules() {
		first, _, _ := rule.Bounds()
		require.True(t, slices.ContainsFunc(told, func(r [2]classify.Code) bool { return r[0].Compare(first) <= 0 && first.Compare(r[1]) <= 0 }),
			"the design does not tell of %s", rule.Codes)
	}
}
