package lint_test

import (
	"go/ast"
	"go/types"
)

// logged are the packages whose values people log.
var logged = []string{"breaker", "classify", "keylease", "nonce", "policy", "retry", "switchboard"}

// wordless finds exported types with numbers for values that have a String, and no
// MarshalText: encoders, that of slog for JSON among them, would write the number.
func wordless(tr *tree) (found []string) {
	for _, folder := range logged {
		has := map[string]bool{}
		files := tr.sources(folder, false)
		for _, f := range files {
			for _, decl := range f.Decls {
				if d, ok := decl.(*ast.FuncDecl); ok && d.Recv != nil {
					has[receiver(d)+"."+d.Name.Name] = true
				}
			}
		}
		for _, f := range files {
			ast.Inspect(f.File, func(n ast.Node) bool {
				s, ok := n.(*ast.TypeSpec)
				if ok && s.Name.IsExported() && integer(s.Type) && has[s.Name.Name+".String"] && !has[s.Name.Name+".MarshalText"] {
					found = append(found, tr.complaint(s, "%s has String and no MarshalText", s.Name.Name))
				}
				return true
			})
		}
	}
	return found
}

// integer reports whether a type is written as one of the integers.
func integer(t ast.Expr) bool {
	id, ok := t.(*ast.Ident)
	if !ok {
		return false
	}
	basic, ok := types.Universe.Lookup(id.Name).(*types.TypeName)
	if !ok {
		return false
	}
	b, ok := basic.Type().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}
