package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// A site is a stretch of a file that has mutants.
type site struct {
	file       *source
	start, end int // offsets
	kind       kind
	typ        string // of a value, as the file writes it
	mutants    []*mutant
}

type kind int

const (
	condition kind = iota
	value
	statement
)

// A mutant is one change of a site.
type mutant struct {
	id       int
	file     *source
	site     *site
	line     int
	code     string // the line as it stands, trimmed
	from, to string // what of it becomes what
	nth      int    // of those on the line that look the same, from 1
	text     string // that the whole site becomes
	single   bool   // does not fit among the others: a build of its own
}

// A finder walks one file.
type finder struct {
	*target
	file  *source
	stack []ast.Node
	sites []*site
}

func (t *target) sites() []*site {
	var all []*site
	same := map[known]int{}
	for _, f := range t.files {
		w := &finder{target: t, file: f}
		ast.Inspect(f.tree, w.visit)
		all = append(all, w.sites...)
		for _, s := range w.sites {
			for _, m := range s.mutants {
				m.nth = 1
				same[m.known("")]++
				m.nth = same[m.known("")]
			}
		}
	}
	return all
}

func (w *finder) visit(n ast.Node) bool {
	if n == nil {
		w.stack = w.stack[:len(w.stack)-1]
		return false
	}
	descend := true
	if e, ok := n.(ast.Expr); ok {
		descend = !w.isRoom(e) && w.expr(e)
	} else if s, ok := n.(ast.Stmt); ok && w.inList() {
		w.stmt(s)
	}
	switch n.(type) {
	case *ast.ImportSpec, *ast.CommentGroup:
		descend = false
	}
	if descend {
		w.stack = append(w.stack, n)
	}
	return descend
}

// isRoom reports whether e says for how many there is to be room in what make
// makes, which no program can tell.
func (w *finder) isRoom(e ast.Expr) bool {
	call, ok := w.stack[len(w.stack)-1].(*ast.CallExpr)
	if !ok || call.Fun == e {
		return false
	}
	if id, ok := call.Fun.(*ast.Ident); !ok || id.Name != "make" {
		return false
	}
	_, isMap := w.info.TypeOf(call).Underlying().(*types.Map)
	return isMap && e != call.Args[0] || len(call.Args) == 3 && e == call.Args[2]
}

func (w *finder) parent() ast.Node {
	for i := len(w.stack) - 1; i >= 0; i-- {
		if _, paren := w.stack[i].(*ast.ParenExpr); !paren {
			return w.stack[i]
		}
	}
	return nil
}

// inList reports whether what is visited is one of a list of statements.
func (w *finder) inList() bool {
	switch w.stack[len(w.stack)-1].(type) {
	case *ast.BlockStmt, *ast.CaseClause:
		return true
	case *ast.CommClause:
		return true
	}
	return false
}

// expr reports whether there is more to find inside.
func (w *finder) expr(e ast.Expr) bool {
	if tv := w.info.Types[e]; tv.Value != nil {
		w.constant(e, tv)
		return false
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return true
	case *ast.BinaryExpr:
		w.binary(e)
	case *ast.UnaryExpr:
		switch e.Op {
		case token.NOT:
			w.open(e, condition).add(w, e.OpPos, "!", "", w.slice(e.X.Pos(), e.End()))
		case token.SUB:
			w.open(e, value).add(w, e.OpPos, "-", "", w.slice(e.X.Pos(), e.End()))
		default:
			w.truth(e)
		}
	default:
		w.truth(e)
	}
	return true
}

// truth negates an expression that something is decided on.
func (w *finder) truth(e ast.Expr) {
	decided := false
	switch p := w.parent().(type) {
	case *ast.IfStmt:
		decided = p.Cond == e || ast.Unparen(p.Cond) == e
	case *ast.ForStmt:
		decided = p.Cond != nil && ast.Unparen(p.Cond) == e
	case *ast.BinaryExpr:
		decided = p.Op == token.LAND || p.Op == token.LOR
	case *ast.CaseClause:
		decided = w.basic(e, types.IsBoolean)
	}
	if decided {
		text := w.slice(e.Pos(), e.End())
		w.open(e, condition).add(w, e.Pos(), text, "!"+text, "!("+text+")")
	}
}

func (w *finder) binary(e *ast.BinaryExpr) {
	k := value
	switch e.Op {
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ, token.LAND, token.LOR:
		k = condition
	default:
		if !w.basic(e, types.IsNumeric) {
			return
		}
	}
	s := w.open(e, k)
	for _, op := range operators[e.Op] {
		text := w.slice(e.Pos(), e.OpPos) + op + w.slice(e.OpPos+token.Pos(len(e.Op.String())), e.End())
		s.add(w, e.OpPos, e.Op.String(), op, text)
	}
}

func (w *finder) basic(e ast.Expr, want types.BasicInfo) bool {
	typ := w.info.TypeOf(e)
	if typ == nil {
		return false
	}
	b, ok := typ.Underlying().(*types.Basic)
	return ok && b.Info()&want != 0
}

func (w *finder) open(n ast.Node, k kind) *site {
	s := &site{file: w.file, start: w.offset(n.Pos()), end: w.offset(n.End()), kind: k}
	if e, ok := n.(ast.Expr); ok && k == value {
		s.typ = w.typeName(w.file, w.info.TypeOf(e))
	}
	w.sites = append(w.sites, s)
	return s
}

func (s *site) add(w *finder, at token.Pos, from, to, text string) {
	line := w.set.Position(at).Line
	code := strings.TrimSpace(strings.Split(w.file.text, "\n")[line-1])
	s.mutants = append(s.mutants, &mutant{file: w.file, site: s, line: line, code: code, from: short(from), to: short(to), text: text})
}

// short is a piece of code on one line.
func short(code string) string { return strings.Join(strings.Fields(code), " ") }

func (w *finder) offset(p token.Pos) int { return w.set.Position(p).Offset }

func (w *finder) slice(from, to token.Pos) string {
	return w.file.text[w.offset(from):w.offset(to)]
}
