package policyfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An Error lists all mistakes in a file.
type Error struct {
	Name     string // of the file
	Problems []Problem
}

// A Problem is a mistake, or something worth a note, and its place.
type Problem struct {
	Line, Column int // from 1; zero: the file as a whole
	Text         string
}

// In returns the problem in the format of compilers, for a file of this name:
// "policies.yaml:3:5: …".
func (p Problem) In(name string) string {
	switch {
	case p.Line == 0:
		return fmt.Sprintf("%s: %s", name, p.Text)
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", name, p.Line, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", name, p.Line, p.Column, p.Text)
}

func inOrder(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// Error returns one problem a line; see [Problem.In].
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.In(e.Name)
	}
	return strings.Join(lines, "\n")
}

// mostProblems is how many problems are reported.
const mostProblems = 100

// result returns the Error, or nil if there are no problems.
func (d *decoder) result(name string) error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, inOrder)
	problems := slices.Compact(d.problems)
	if d.more > 0 {
		problems = append(problems, Problem{Text: fmt.Sprintf("and %d more", d.more)})
	}
	return &Error{name, problems}
}
