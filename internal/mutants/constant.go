package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
)

// constant changes the literals of a constant expression, and its operators.
func (w *finder) constant(e ast.Expr, tv types.TypeAndValue) {
	if tv.Value.Kind() == constant.String {
		return
	}
	s := w.open(e, value)
	s.typ = w.typeName(w.file, tv.Type)
	change := func(pos token.Pos, from, to string) {
		s.add(w, pos, from, to, w.slice(e.Pos(), pos)+to+w.slice(pos+token.Pos(len(from)), e.End()))
	}
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				break
			}
			for _, op := range []string{"+", "-"} {
				if n != e || op != w.doubled(e) {
					change(n.Pos(), n.Value, "("+n.Value+" "+op+" 1)")
				}
			}
		case *ast.Ident:
			if to, ok := map[string]string{"true": "false", "false": "true"}[n.Name]; ok {
				change(n.Pos(), n.Name, to)
			}
		case *ast.BinaryExpr:
			for _, op := range operators[n.Op] {
				change(n.OpPos, n.Op.String(), op)
			}
		}
		return true
	})
}

// doubled is the step of a bound that does what another operator does: x > 0
// is, of integers, x >= 1.
func (w *finder) doubled(e ast.Expr) string {
	cmp, ok := w.parent().(*ast.BinaryExpr)
	if !ok || !w.basic(cmp.X, types.IsInteger) || !w.basic(cmp.Y, types.IsInteger) {
		return ""
	}
	step := map[token.Token]string{token.GTR: "-", token.GEQ: "+", token.LSS: "+", token.LEQ: "-"}[cmp.Op]
	if ast.Unparen(cmp.X) == e {
		step = map[string]string{"+": "-", "-": "+"}[step]
	}
	return step
}
