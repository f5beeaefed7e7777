package resilience_test

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
		if f.path == "bites_test.go" || f.path == "docs_test.go" {
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
	for name, page := range pages(t) {
		require.Empty(t, unwritten(page), name)
	}
	require.Equal(t, []string{"M11", "B9"}, unwritten("M1, M11 and (B9)"))
}

var (
	code    = regexp.MustCompile("(?s)```.*?\n *```|`[^`\n]*`")
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

// anchors are those that GitHub makes of the headings of a page.
func anchors(page string) (names []string) {
	for _, h := range heading.FindAllStringSubmatch(page, -1) {
		names = append(names, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, h[1]))
	}
	return names
}

func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	for name := range all {
		require.Empty(t, broken(all, name))
	}
	require.Len(t, broken(map[string]string{
		"docs/a.md": "[a](b.md) [b](c.md) [c](#what-is-m1) [d](b.md#x) [e](#nothing) [f](../go.mod) [g](https://x.example/y) `f[int](x)`\n## What is M1?\n",
		"docs/b.md": "# b\n",
	}, "docs/a.md"), 3)
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

// What these pages show stands in files that are compiled, that of testdata by a script
// that needs a network.
func TestPagesShowCodeOfFilesThatAreCompiled(t *testing.T) {
	for name, files := range map[string][]string{
		"docs/durable.md":      {"durable/temporalretry/example_test.go", "durable/riverretry/example_test.go", "durable/testdata/dbos/payments.go"},
		"docs/observe-page.md": {"resiliencedebug/example_test.go"},
	} {
		page, err := os.ReadFile(name)
		require.NoError(t, err)
		blocks := shown.FindAllStringSubmatch(string(page), -1)
		require.Len(t, blocks, len(files))
		for i, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Contains(t, unindented(string(source)), unindented(blocks[i][1]), file)
		}
	}
}

// unindented is code without what stands before its lines.
func unindented(code string) string {
	return regexp.MustCompile(`(?m)^\t+`).ReplaceAllString(strings.TrimSpace(code), "")
}

var (
	faultRow  = regexp.MustCompile(`(?m)^\| (.*) \| (.*) \| (.*) \|$`)
	namedTest = regexp.MustCompile(`\[((?:Test|Fuzz)\w+)\]\(([^)]+)\)`)
)

// Each fault of the field has a test, and it is where the page says.
func TestFaultsOfTheFieldAreTested(t *testing.T) {
	page, err := os.ReadFile("docs/field.md")
	require.NoError(t, err)
	rows := 0
	for _, row := range faultRow.FindAllStringSubmatch(string(page), -1) {
		if row[1] == "fault" || row[1] == "---" {
			continue
		}
		rows++
		tests := namedTest.FindAllStringSubmatch(row[3], -1)
		require.NotEmpty(t, tests, row[1])
		for _, test := range tests {
			source, err := os.ReadFile(path.Join("docs", test[2]))
			require.NoError(t, err)
			require.Contains(t, string(source), "\nfunc "+test[1]+"(", "%s is not in %s", test[1], test[2])
		}
	}
	require.Greater(t, rows, 30)
}

// The design's table of codes says what the catalog says.
func TestDesignTableIsTheCatalogs(t *testing.T) {
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
