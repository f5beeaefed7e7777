package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A target is a package with what is needed to compile a change of it.
type target struct {
	path, folder, name string
	files              []*source
	rapid              bool // its tests use pgregory.net/rapid

	active *ast.File // what is woven in

	set   *token.FileSet
	deps  types.Importer
	info  *types.Info
	found *types.Package
}

type source struct {
	path string // absolute
	text string
	tree *ast.File
}

func (s *source) name() string { return filepath.Base(s.path) }

// load reads a package as the go command sees it, without its tests.
func load(pattern string) (*target, error) {
	// What is woven in has imports of its own.
	out, err := goCommand("list", "-export", "-deps", "-json=ImportPath,Export,Dir,Name,GoFiles,DepOnly,Standard",
		pattern, "os", "strconv", "sync/atomic")
	if err != nil {
		return nil, err
	}
	t := &target{set: token.NewFileSet()}
	exports := map[string]string{}
	for dec := json.NewDecoder(strings.NewReader(out)); ; {
		var p struct {
			ImportPath, Export, Dir, Name string
			GoFiles                       []string
			DepOnly, Standard             bool
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		exports[p.ImportPath] = p.Export
		if p.DepOnly || p.Standard {
			continue
		}
		if t.path != "" {
			return nil, fmt.Errorf("%s is more than one package", pattern)
		}
		t.path, t.folder, t.name = p.ImportPath, p.Dir, p.Name
		for _, name := range p.GoFiles {
			t.files = append(t.files, &source{path: filepath.Join(p.Dir, name)})
		}
	}
	t.deps = importer.ForCompiler(t.set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, f := range t.files {
		text, err := os.ReadFile(f.path)
		if err != nil {
			return nil, err
		}
		f.text = string(text)
		if f.tree, err = parser.ParseFile(t.set, f.path, text, parser.SkipObjectResolution); err != nil {
			return nil, err
		}
	}
	if t.active, err = parser.ParseFile(t.set, "active.go", active(t.name), parser.SkipObjectResolution); err != nil {
		return nil, err
	}
	t.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	if t.found, err = t.check(nil, nil, t.info); err != nil {
		return nil, err
	}
	tests, err := goCommand("list", "-f", "{{.TestImports}} {{.XTestImports}}", pattern)
	t.rapid = strings.Contains(tests, "pgregory.net/rapid")
	return t, err
}

// check reports whether the package compiles with changed in the place of a
// file of it, and with what is woven into it declared.
func (t *target) check(instead *source, changed *ast.File, info *types.Info) (*types.Package, error) {
	trees := []*ast.File{}
	for _, f := range t.files {
		if f == instead {
			trees = append(trees, changed)
		} else {
			trees = append(trees, f.tree)
		}
	}
	if changed != nil {
		trees = append(trees, t.active)
	}
	return (&types.Config{Importer: t.deps}).Check(t.path, t.set, trees, info)
}

// compiles reports whether the package compiles with text in the place of a
// file's.
func (t *target) compiles(f *source, text string) bool {
	changed, err := parser.ParseFile(t.set, f.path, text, parser.SkipObjectResolution)
	if err != nil {
		return false
	}
	_, err = t.check(f, changed, nil)
	return err == nil
}

// typeName is how a file writes a type, or "" if it cannot.
func (t *target) typeName(f *source, typ types.Type) string {
	missing := false
	name := types.TypeString(types.Default(typ), func(p *types.Package) string {
		if p == t.found {
			return ""
		}
		for _, imported := range f.tree.Imports {
			if strings.Trim(imported.Path.Value, `"`) == p.Path() {
				if imported.Name != nil {
					return imported.Name.Name
				}
				return p.Name()
			}
		}
		missing = true
		return p.Name()
	})
	if missing {
		return ""
	}
	return name
}

func goCommand(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("go %s: %s", args[0], exit.Stderr)
	}
	return string(out), err
}
