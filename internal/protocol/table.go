package protocol

import "strings"

// A Guard is a condition of a row.
type Guard struct {
	Name  string
	Holds func(s *State, e *Event) bool
}

// An Effect is what a row notes in the state, beside the phase.
type Effect struct {
	Name string
	Do   func(s *State, e *Event)
}

// A Row says what an event leads to in a phase.
type Row struct {
	From Phase
	On   Kind
	If   []Guard // all of them
	To   Phase
	Then []Effect
	Rule string // that it keeps: "M6"
	Why  string
}

// String is "Doubt FoundAbsent [behind] → Half (M4)".
func (r *Row) String() string {
	var b strings.Builder
	b.WriteString(r.From.String() + " " + r.On.String())
	if len(r.If) > 0 {
		b.WriteString(" [")
		for i, g := range r.If {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(g.Name)
		}
		b.WriteString("]")
	}
	b.WriteString(" → " + r.To.String() + " (" + r.Rule + ")")
	return b.String()
}

// A Table is rows in order: the first that fits counts.
type Table []Row

// Step returns the state after e, and the row that led there: nil where none fits,
// which changes nothing.
func (t Table) Step(s State, e Event) (State, *Row) {
	row := t.Apply(&s, &e)
	return s, row
}

// Apply is Step in place, which allocates nothing.
func (t Table) Apply(s *State, e *Event) *Row {
	for i := range t {
		row := &t[i]
		if row.From != s.Phase || row.On != e.Kind || !row.fits(s, e) {
			continue
		}
		for _, effect := range row.Then {
			effect.Do(s, e)
		}
		s.Phase = row.To
		return row
	}
	return nil
}

func (r *Row) fits(s *State, e *Event) bool {
	for _, g := range r.If {
		if !g.Holds(s, e) {
			return false
		}
	}
	return true
}
