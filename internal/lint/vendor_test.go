package lint_test

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strings"
)

// The vendor is known to two tables, and to the defaults of retry that name them.
const vendor = "nexpay"

var (
	vendorTables   = []string{"classify/nexpay.go", "policy/nexpay.go"}
	vendorDefaults = []string{"classify.Nexpay", "policy.Nexpay"}
)

func vendorNames(tr *tree) (found []string) {
	engine := []string{"classify", "policy", "breaker", "nonce", "retry", "internal"}
	defaults := map[string]int{}
	for _, f := range tr.files {
		top, _, _ := strings.Cut(f.folder, "/")
		if f.test || !slices.Contains(engine, top) || slices.Contains(vendorTables, f.path) {
			continue
		}
		if named(path.Base(f.path)) {
			found = append(found, tr.complaint(f.Name, "the file is named after the vendor"))
		}
		found = append(found, tr.vendorInCode(f, defaults)...)
		found = append(found, tr.vendorInComments(f)...)
	}
	return found
}

// named reports whether a text names the vendor, the path of this module aside.
func named(text string) bool {
	return strings.Contains(strings.ToLower(strings.ReplaceAll(text, module, "")), vendor)
}

// vendorInCode looks at names and strings. retry may call each default once;
// defaults counts the calls.
func (tr *tree) vendorInCode(f source, defaults map[string]int) (found []string) {
	ast.Inspect(f.File, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec: // its path is for importDirection
			if n.Name != nil && named(n.Name.Name) {
				found = append(found, tr.complaint(n, "the import is named %s", n.Name.Name))
			}
			return false
		case *ast.CallExpr:
			callee := types.ExprString(n.Fun)
			if f.folder == "retry" && len(n.Args) == 0 && slices.Contains(vendorDefaults, callee) {
				defaults[callee]++
				if defaults[callee] > 1 {
					found = append(found, tr.complaint(n, "%s() is called a second time", callee))
				}
				return false
			}
		case *ast.Ident:
			if named(n.Name) {
				found = append(found, tr.complaint(n, "the name %s", n.Name))
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING && named(text(n)) {
				found = append(found, tr.complaint(n, "the text %s", n.Value))
			}
		}
		return true
	})
	return found
}

// vendorInComments looks at comments. Those of classify and policy may refer to
// their tables. In retry the documentation of the package and of Config may name
// the defaults, the API that they are for, and its client.
func (tr *tree) vendorInComments(f source) (found []string) {
	var may *strings.Replacer
	var where func(*ast.CommentGroup) bool
	switch f.folder {
	case "classify", "policy":
		may = strings.NewReplacer("[Nexpay]", "", "classify.Nexpay()", "", "policy.Nexpay()", "")
		where = func(*ast.CommentGroup) bool { return true }
	case "retry":
		may = strings.NewReplacer("classify.Nexpay()", "", "policy.Nexpay()", "", "the Nexpay API", "", "nexpay.Client", "")
		where = func(g *ast.CommentGroup) bool { return g == f.Doc || documentsConfig(f, g) }
	}
	for _, group := range f.Comments {
		for _, line := range group.List {
			rest := line.Text
			if may != nil && where(group) {
				rest = may.Replace(rest)
			}
			if named(rest) {
				found = append(found, tr.complaint(line, "the comment %s", line.Text))
			}
		}
	}
	return found
}

// documentsConfig reports whether a comment stands on type Config or in it.
func documentsConfig(f source, g *ast.CommentGroup) bool {
	for _, decl := range f.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || len(gen.Specs) != 1 {
			continue
		}
		spec, ok := gen.Specs[0].(*ast.TypeSpec)
		if ok && spec.Name.Name == "Config" && (g == gen.Doc || spec.Pos() < g.Pos() && g.End() < spec.End()) {
			return true
		}
	}
	return false
}
