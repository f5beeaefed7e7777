package lint_test

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func emptyLandingPage(tr *tree) (found []string) {
	for _, f := range tr.sources(".", false) {
		for _, decl := range f.Decls {
			found = append(found, tr.complaint(decl, "the root package holds code"))
		}
	}
	return found
}

// adapts are the types that an adapter is there to make or to take: what grpc.NewClient and the
// methods of generated clients take, and where metrics go.
var adapts = map[string][]string{
	"grpcretry": {"google.golang.org/grpc.DialOption", "google.golang.org/grpc.CallOption"},
	"otelretry": {"go.opentelemetry.io/otel/metric.MeterProvider", "go.opentelemetry.io/otel/attribute.KeyValue"},
	"promretry": {"github.com/prometheus/client_golang/prometheus.Registerer"},
}

// No type of a third-party module can be reached through what a package exports.
func TestExportsNameNoThirdParty(t *testing.T) {
	atRoot(t)
	t.Parallel()
	tr := readTree(t)
	var public []string
	for _, folder := range slices.Sorted(maps.Keys(mayImport)) {
		if !slices.Contains(strings.Split(folder, "/"), "internal") {
			public = append(public, folder)
		}
	}
	list := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}
	for _, folder := range public {
		list = append(list, "./"+folder)
	}
	exports := map[string]string{} // files of the build cache, by import path
	for line := range strings.Lines(string(run(t, list...))) {
		importPath, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[importPath] = file
	}
	compiled := importer.ForCompiler(tr.FileSet, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, folder := range public {
		t.Run(folder, func(t *testing.T) {
			found := slices.DeleteFunc(thirdPartyExports(t, tr, folder, compiled), func(complaint string) bool {
				return slices.ContainsFunc(adapts[folder], func(made string) bool { return strings.HasSuffix(complaint, " leads to "+made) })
			})
			require.Empty(t, strings.Join(found, "\n"))
		})
	}
}

// thirdPartyExports type-checks a package and follows all that it exports.
func thirdPartyExports(t *testing.T, tr *tree, folder string, imports types.Importer) []string {
	t.Helper()
	var files []*ast.File
	for _, f := range tr.sources(folder, false) {
		if built(f) {
			files = append(files, f.File)
		}
	}
	w := &exportWalk{tree: tr, Info: types.Info{Defs: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}}, seen: map[types.Type]bool{}}
	pkg, err := (&types.Config{Importer: imports}).Check(path.Join(module, folder), tr.FileSet, files, &w.Info)
	require.NoError(t, err)
	for _, name := range pkg.Scope().Names() {
		if object := pkg.Scope().Lookup(name); object.Exported() {
			w.at, w.name = object.Pos(), name
			w.object(object)
		}
	}
	w.written(files)
	return w.found
}

// built reports whether a file belongs to this operating system, as a build constraint says: a file name alone must not.
func built(f source) bool {
	for _, group := range f.Comments {
		for _, line := range group.List {
			if expr, err := constraint.Parse(line.Text); err == nil {
				return expr.Eval(func(tag string) bool { return tag == runtime.GOOS })
			}
		}
	}
	return true
}

// An exportWalk follows types from one export to the next.
type exportWalk struct {
	*tree
	types.Info
	seen  map[types.Type]bool
	at    token.Pos // of the export that the walk began with
	name  string
	found []string
}

// written looks at the right-hand sides of exported type declarations: that a type
// was made of another one's name is not seen in the type.
func (w *exportWalk) written(files []*ast.File) {
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				return false
			case *ast.TypeSpec:
				if w.at, w.name = n.Pos(), n.Name.Name; n.Name.IsExported() {
					w.follow(w.TypeOf(n.Type))
				}
				return false
			}
			return true
		})
	}
}

func (w *exportWalk) object(o types.Object) {
	if named, ok := o.Type().(*types.Named); ok {
		if _, declared := o.(*types.TypeName); declared {
			w.members(named)
			return
		}
	}
	w.follow(o.Type())
}

// members follows what can be reached from a value of the type.
func (w *exportWalk) members(n *types.Named) {
	if w.seen[n] {
		return
	}
	w.seen[n] = true
	w.parameters(n.TypeParams())
	w.follow(n.Underlying())
	methods := types.NewMethodSet(types.NewPointer(n))
	for i := range methods.Len() {
		if m := methods.At(i).Obj(); m.Exported() {
			w.follow(m.Type())
		}
	}
}

func (w *exportWalk) parameters(list *types.TypeParamList) {
	for i := range list.Len() {
		w.follow(list.At(i).Constraint())
	}
}

func (w *exportWalk) follow(t types.Type) {
	switch t := t.(type) {
	case *types.Alias:
		w.typeName(t.Obj(), t.TypeArgs())
		w.follow(types.Unalias(t))
	case *types.Named:
		if w.typeName(t.Obj(), t.TypeArgs()) {
			w.members(t)
		}
	case interface{ Elem() types.Type }: // pointer, slice, array, channel, map
		if m, ok := t.(*types.Map); ok {
			w.follow(m.Key())
		}
		w.follow(t.Elem())
	case *types.Signature:
		w.parameters(t.TypeParams())
		w.follow(t.Params())
		w.follow(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			w.follow(v.Type())
		}
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() || f.Embedded() {
				w.follow(f.Type())
			}
		}
	case *types.Interface:
		for e := range t.EmbeddedTypes() {
			w.follow(e)
		}
		for m := range t.Methods() {
			if m.Exported() {
				w.follow(m.Type())
			}
		}
	case *types.Union:
		for term := range t.Terms() {
			w.follow(term.Type())
		}
	}
}

// typeName complains of a third-party name. It reports whether the type's members
// have to be followed from here, as they are an export of no package.
func (w *exportWalk) typeName(name *types.TypeName, arguments *types.TypeList) (hidden bool) {
	for a := range arguments.Types() {
		w.follow(a)
	}
	pkg := name.Pkg()
	if pkg == nil || standard(pkg.Path()) {
		return false
	}
	if pkg.Path() != module && !strings.HasPrefix(pkg.Path(), module+"/") {
		p := w.Position(w.at)
		w.found = append(w.found, fmt.Sprintf("%s:%d: %s leads to %s.%s", p.Filename, p.Line, w.name, pkg.Path(), name.Name()))
		return false
	}
	return !name.Exported() || strings.Contains(pkg.Path(), "/internal/")
}

// Whatever way a third-party type finds into an export, it is found.
func TestExportWalkBites(t *testing.T) {
	atRoot(t)
	t.Parallel()
	const other = `package third
			type T struct{}
			func (T) M() {}
			type I interface{ M() }
			type G[P any] struct{}`
	const own = `package classify
			import "example.org/third"
			func A(int) error { return nil }
			func B(third.T) {} // »
			func C() (int, *third.T) { return 0, nil } // »
			func D(...third.T) {} // »
			func E(func() <-chan third.T) {} // »
			func F[P third.I](P) {} // »
			func G[P interface{ third.T | ~int }](P) {} // »
			var H map[third.T]int // »
			var I map[int][2][]third.T // »
			var J = third.T{} // »
			var K third.G[int] // »
			var L Generic[third.T] // »
			var M = hidden{} // »
			type Generic[P any] struct{ field P }
			type hidden struct{ Field third.T }
			type N third.T // »
			type O = third.T // »
			type P struct{ Field third.T } // »
			type Q struct{ third.T } // »
			type R struct{ inner } // »
			type inner struct{ Field third.T }
			type S struct{ field third.T; Own *S }
			type T interface{ M(third.T) } // »
			type U interface{ third.I } // »
			type V[P third.I] struct{} // »
			type W struct{} // »
			func (*W) M(third.T) {}
			type X struct{}
			func (*X) m(third.T) {}
			type Y struct{ *alias } // »
			type alias = third.T
			func z(third.T) {}`
	tr := parse(t, map[string]string{"third/a.go": other, "classify/a.go": own})
	third, err := new(types.Config).Check("example.org/third", tr.FileSet, []*ast.File{tr.sources("third", false)[0].File}, nil)
	require.NoError(t, err)
	found := thirdPartyExports(t, tr, "classify", packages{"example.org/third": third})
	require.Equal(t, marked(own), lines(found), "%s", strings.Join(found, "\n"))
}

type packages map[string]*types.Package

func (p packages) Import(path string) (*types.Package, error) {
	if pkg, ok := p[path]; ok {
		return pkg, nil
	}
	return nil, fmt.Errorf("no package %s", path)
}
