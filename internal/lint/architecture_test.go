package lint_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/nexpay-go/resilience"

// rules are what the source has to keep. Each returns its complaints, as
// "file:line: what".
var rules = map[string]func(*tree) []string{
	"imports point one way":            importDirection,
	"the landing page exports nothing": emptyLandingPage,
	"the engine knows no vendor":       vendorNames,
	"every export has a doc comment":   undocumented,
	"every package has a comment":      uncommentedPackages,
	"nothing is left to do":            unfinished,
	"no test is skipped in silence":    silentSkips,
	"rules that are cited are written": unwrittenRules,
	"what is logged is words":          wordless,
}

func TestArchitecture(t *testing.T) {
	atRoot(t)
	t.Parallel()
	tr := readTree(t)
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) { require.Empty(t, strings.Join(rule(tr), "\n")) })
	}
	t.Run("every package is there", func(t *testing.T) {
		for name := range mayImport {
			require.NotEmpty(t, tr.sources(name, false), name)
		}
	})
	t.Run("every go.mod requires what it may", func(t *testing.T) {
		for _, file := range tr.modules {
			require.Empty(t, requirements(t, file, path.Dir(file)), file)
		}
		require.Len(t, tr.modules, len(mayRequire))
	})
}

// A tree is the Go source of this module and of those nested in it.
type tree struct {
	*token.FileSet
	files   []source // sorted by path
	modules []string // the paths of their go.mod
}

type source struct {
	path, folder string // slashes, from the root of the tree, which is "."
	test         bool
	*ast.File
}

// parse makes a tree of files by their path.
func parse(t *testing.T, files map[string]string) *tree {
	t.Helper()
	tr := &tree{FileSet: token.NewFileSet()}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := parser.ParseFile(tr.FileSet, name, files[name], parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		tr.files = append(tr.files, source{name, path.Dir(name), strings.HasSuffix(name, "_test.go"), f})
	}
	return tr
}

// readTree reads all that is there. Nested modules keep the rules of this one.
func readTree(t *testing.T) *tree {
	t.Helper()
	files := map[string]string{}
	var modules []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || name == ".":
			return err
		case d.IsDir():
			if d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
				return fs.SkipDir
			}
		case d.Name() == "go.mod":
			modules = append(modules, filepath.ToSlash(name))
		case strings.HasSuffix(name, ".go"):
			text, err := os.ReadFile(name)
			files[filepath.ToSlash(name)] = string(text)
			return err
		}
		return nil
	})
	require.NoError(t, err)
	tr := parse(t, files)
	tr.modules = modules
	return tr
}

// sources are the files of a folder that are, or are not, tests.
func (tr *tree) sources(folder string, test bool) (files []source) {
	for _, f := range tr.files {
		if f.folder == folder && f.test == test {
			files = append(files, f)
		}
	}
	return files
}

func (tr *tree) complaint(at ast.Node, format string, args ...any) string {
	p := tr.Position(at.Pos())
	return fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...))
}

// text is what a string literal says.
func text(lit *ast.BasicLit) string {
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return lit.Value
	}
	return s
}

// run runs the go command, in go.work whatever the environment says.
func run(t *testing.T, args ...string) []byte {
	t.Helper()
	var complaints bytes.Buffer
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOWORK=")
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), &complaints)
	return out
}
