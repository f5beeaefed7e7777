package lint_test

import (
	"go/ast"
	"slices"
	"strings"
)

func silentSkips(tr *tree) (found []string) {
	for _, f := range tr.files {
		ast.Inspect(f.File, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !f.test {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) && !reasoned(call) {
				found = append(found, tr.complaint(call, "%s without a reason", sel.Sel.Name))
			}
			return true
		})
	}
	return found
}

// reasoned reports whether any argument says something.
func reasoned(call *ast.CallExpr) bool {
	return slices.ContainsFunc(call.Args, func(e ast.Expr) bool {
		lit, ok := e.(*ast.BasicLit)
		return !ok || strings.TrimSpace(text(lit)) != ""
	})
}
