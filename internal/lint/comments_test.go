package lint_test

import (
	"go/ast"
	"go/types"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// undocumented finds exports without a comment. Those of a const or var group may
// share one. Fields, and methods of an interface, belong to the comment of their
// type.
func undocumented(tr *tree) (found []string) {
	for _, f := range tr.files {
		if f.test {
			continue
		}
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) && d.Doc.Text() == "" {
					found = append(found, tr.complaint(d, "%s has no comment", d.Name.Name))
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					for _, name := range bare(d, spec) {
						found = append(found, tr.complaint(name, "%s has no comment", name.Name))
					}
				}
			}
		}
	}
	return found
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	name := strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*")
	name, _, _ = strings.Cut(name, "[")
	return name
}

// bare returns the exported names of spec if no comment tells of them.
func bare(d *ast.GenDecl, spec ast.Spec) (names []*ast.Ident) {
	comment := ""
	switch s := spec.(type) {
	case *ast.TypeSpec:
		comment, names = s.Doc.Text()+s.Comment.Text(), []*ast.Ident{s.Name}
		if !d.Lparen.IsValid() {
			comment += d.Doc.Text()
		}
	case *ast.ValueSpec:
		comment, names = s.Doc.Text()+s.Comment.Text()+d.Doc.Text(), s.Names
	}
	if comment != "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(names), func(n *ast.Ident) bool { return !n.IsExported() })
}

func uncommentedPackages(tr *tree) (found []string) {
	told := map[string]bool{}
	first := map[string]source{} // of each folder
	for _, f := range tr.files {
		if f.test {
			continue
		}
		if _, ok := first[f.folder]; !ok {
			first[f.folder] = f
		}
		comment := f.Doc.Text()
		told[f.folder] = told[f.folder] || strings.HasPrefix(comment, "Package "+f.Name.Name+" ") || f.Name.Name == "main" && comment != ""
	}
	for _, folder := range slices.Sorted(maps.Keys(first)) {
		if !told[folder] {
			found = append(found, tr.complaint(first[folder].Name, "package %s has no comment", first[folder].Name.Name))
		}
	}
	return found
}

var leftToDo = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)

func unfinished(tr *tree) (found []string) {
	for _, f := range tr.files {
		for _, group := range f.Comments {
			for _, line := range group.List {
				if leftToDo.MatchString(line.Text) {
					found = append(found, tr.complaint(line, "%s", line.Text))
				}
			}
		}
		ast.Inspect(f.File, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && !f.test && leftToDo.MatchString(lit.Value) {
				found = append(found, tr.complaint(lit, "%s", lit.Value))
			}
			return true
		})
	}
	return found
}
