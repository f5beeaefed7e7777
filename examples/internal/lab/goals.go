package lab

import "github.com/nexpay-go/resilience/examples/internal/program"

// A Goal is what has to be reached, and what was measured.
type Goal struct {
	Name, Got string
	Reached   bool
}

// NewGoal returns a Goal.
func NewGoal(name, got string, reached bool) Goal { return Goal{name, got, reached} }

// Verdict returns program.ErrResult if a goal is missed.
func Verdict(goals []Goal) error {
	for _, g := range goals {
		if !g.Reached {
			return program.ErrResult
		}
	}
	return nil
}
