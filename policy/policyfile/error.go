package policyfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An Error tells everything that is wrong with a file.
type Error struct {
	Name     string // of the file
	Problems []Problem
}

// A Problem is one thing that is wrong, and where.
type Problem struct {
	Line, Column int // from 1; zero: the file as a whole
	Text         string
}

// Error tells one problem a line, as compilers do: "policies.yaml:3:5: …".
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		switch {
		case p.Line == 0:
			lines[i] = fmt.Sprintf("%s: %s", e.Name, p.Text)
		case p.Column == 0:
			lines[i] = fmt.Sprintf("%s:%d: %s", e.Name, p.Line, p.Text)
		default:
			lines[i] = fmt.Sprintf("%s:%d:%d: %s", e.Name, p.Line, p.Column, p.Text)
		}
	}
	return strings.Join(lines, "\n")
}

// mostProblems is how many are told.
const mostProblems = 100

// result is the Error, nil if there are no problems.
func (d *decoder) result(name string) error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	problems := slices.Compact(d.problems)
	if d.more > 0 {
		problems = append(problems, Problem{Text: fmt.Sprintf("and %d more", d.more)})
	}
	return &Error{name, problems}
}
