package protocol

import "strings"

// A Guard is a condition of a row.
type Guard struct {
	Name  string
	Holds func(s *State, e *Event) bool
}

// An Effect is a change of the state by a row, besides the phase.
type Effect struct {
	Name string
	Do   func(s *State, e *Event)
}

// A Row says where an event leads in a phase.
type Row struct {
	From Phase
	On   Kind
	If   []Guard // all of them
	To   Phase
	Then []Effect
	Rule string // the rule that requires it: "M6"
	Why  string
}

// String returns text such as "Doubt FoundAbsent [behind] → Half (M4)".
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

// A Table is a list of rows. The first row that matches applies.
type Table []Row

// Step returns the state after e, and the row that led there. If no row matches, the row is
// nil and the state unchanged.
func (t Table) Step(s State, e Event) (State, *Row) {
	row := t.Apply(&s, &e)
	return s, row
}

// Apply is Step in place, without allocating.
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
