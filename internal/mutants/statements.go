package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"strings"
)

// stmt finds the mutants of a statement that are not those of its parts.
func (w *finder) stmt(n ast.Stmt) {
	switch n := n.(type) {
	case *ast.ExprStmt, *ast.SendStmt, *ast.GoStmt, *ast.DeferStmt:
		if !w.isComm(n) {
			w.removed(n)
		}
	case *ast.IncDecStmt:
		s := w.removed(n)
		for _, op := range operators[n.Tok] {
			s.add(w, n.TokPos, n.Tok.String(), op, w.slice(n.Pos(), n.TokPos)+op)
		}
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE || w.isComm(n) || blank(n) {
			return
		}
		s := w.removed(n)
		for _, op := range operators[n.Tok] {
			text := w.slice(n.Pos(), n.TokPos) + op + w.slice(n.Rhs[0].Pos(), n.End())
			s.add(w, n.TokPos, n.Tok.String(), op, text)
		}
	case *ast.BranchStmt:
		if n.Label == nil {
			s := w.open(n, statement)
			for _, to := range operators[n.Tok] {
				s.add(w, n.Pos(), n.Tok.String(), to, to)
			}
		}
	case *ast.ReturnStmt:
		w.returned(n)
	}
}

// isComm reports whether n is what a case of a select waits for.
func (w *finder) isComm(n ast.Stmt) bool {
	c, ok := w.stack[len(w.stack)-1].(*ast.CommClause)
	return ok && c.Comm == n
}

func blank(n *ast.AssignStmt) bool {
	for _, l := range n.Lhs {
		if id, ok := l.(*ast.Ident); !ok || id.Name != "_" {
			return false
		}
	}
	return true
}

func (w *finder) removed(n ast.Stmt) *site {
	s := w.open(n, statement)
	s.add(w, n.Pos(), w.slice(n.Pos(), n.End()), "", "")
	return s
}

// returned returns the zero value in the place of each that is not zero.
func (w *finder) returned(n *ast.ReturnStmt) {
	results := w.results()
	if len(n.Results) == 0 || len(results) == 0 {
		return
	}
	s := w.open(n, statement)
	zero := func(at int) string { return "*new(" + results[at] + ")" }
	if len(n.Results) != len(results) {
		all := make([]string, len(results))
		for i := range results {
			all[i] = zero(i)
		}
		s.add(w, n.Pos(), w.slice(n.Pos(), n.End()), "return zeros", "return "+strings.Join(all, ", "))
		return
	}
	for i, r := range n.Results {
		if w.isZero(r) {
			continue
		}
		text := w.slice(n.Pos(), r.Pos()) + zero(i) + w.slice(r.End(), n.End())
		s.add(w, r.Pos(), w.slice(r.Pos(), r.End()), zero(i), text)
	}
}

func (w *finder) isZero(e ast.Expr) bool {
	tv := w.info.Types[e]
	if tv.Value != nil {
		// That a literal becomes another is found where literals are.
		v := tv.Value
		return v.Kind() == constant.Bool || v.Kind() != constant.String && constant.Sign(v) == 0 ||
			v.Kind() == constant.String && constant.StringVal(v) == ""
	}
	lit, ok := e.(*ast.CompositeLit)
	return tv.IsNil() || ok && len(lit.Elts) == 0
}

// results are the types of what the function around returns, as written.
func (w *finder) results() []string {
	for i := len(w.stack) - 1; i >= 0; i-- {
		var typ *ast.FuncType
		switch f := w.stack[i].(type) {
		case *ast.FuncDecl:
			typ = f.Type
		case *ast.FuncLit:
			typ = f.Type
		default:
			continue
		}
		var all []string
		if typ.Results != nil {
			for _, field := range typ.Results.List {
				for range max(1, len(field.Names)) {
					all = append(all, w.slice(field.Type.Pos(), field.Type.End()))
				}
			}
		}
		return all
	}
	return nil
}
