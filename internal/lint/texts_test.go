package lint_test

import (
	"flag"
	"go/ast"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/texts.txt anew")

const texts = "internal/lint/testdata/texts.txt"

// Texts end up in logs, alerts and searches, so they are an interface. The golden file has
// every one that the library can produce; who changes one sees it in the review.
//
//	go test ./internal/lint -run TestTexts -update
func TestTexts(t *testing.T) {
	atRoot(t)
	t.Parallel()
	got := strings.Join(textsOf(readTree(t)), "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile(texts, []byte(got), 0o644))
	}
	want, err := os.ReadFile(texts)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "if it is meant: go test ./internal/lint -run TestTexts -update")
}

func TestTextsBite(t *testing.T) {
	atRoot(t)
	t.Parallel()
	tr := parse(t, map[string]string{
		"retry/a.go": "package retry\n" + `
			import "errors"
			var ErrX = errors.New("no nonce available")
			type s struct { A int ` + "`json:\"a b\"`" + ` }
			const sql = ` + "`SELECT a\nFROM b`" + `
			func f() string { return "word" + ": " + "%d of %s left" }
			func g() string { return "a text\nof two lines" }`,
		"retry/a_test.go":    `package retry; var x = "a text of a test"`,
		"examples/a/main.go": `package main; var x = "a text of a program"`,
	})
	require.Equal(t, []string{
		`retry: "%d of %s left"`,
		`retry: "a text\nof two lines"`,
		`retry: "no nonce available"`,
	}, textsOf(tr))
}

// textsOf returns the string literals of more than one word in what is no test, program under
// examples or generated statement, by package.
func textsOf(tr *tree) (found []string) {
	for _, f := range tr.files {
		if f.test || strings.HasPrefix(f.folder, "examples/") || strings.HasPrefix(f.folder, "internal/lint") {
			continue
		}
		skip := map[*ast.BasicLit]bool{}
		ast.Inspect(f.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.Field:
				if n.Tag != nil {
					skip[n.Tag] = true
				}
			case *ast.BasicLit:
				s := text(n)
				statement := strings.HasPrefix(n.Value, "`") && strings.Contains(n.Value, "\n")
				if n.Kind == token.STRING && !skip[n] && !statement && strings.Contains(strings.TrimSpace(s), " ") {
					found = append(found, f.folder+": "+quoted(s))
				}
			}
			return true
		})
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// quoted is s on one line.
func quoted(s string) string {
	return `"` + strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(s) + `"`
}
