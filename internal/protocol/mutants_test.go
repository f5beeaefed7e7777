package protocol_test

import (
	"slices"
	"sync/atomic"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// A mutant is the protocol with something wrong in it.
type mutant struct {
	name   string
	table  protocol.Table
	decide protocol.Decisions
	feed   *feed // all that differs begins with this event in this phase; nil: anywhere
	found  atomic.Bool
}

// harmless are the mutants that break no rule, and why.
var harmless = map[string]string{
	"Clear Begun → Sending (M6): without of this call":                      "what is closed later is begun once more before",
	"Doubt Begun [within the window] → Sending (M10): without of this call": "what is closed later is begun once more before",
	"Sending Unsent [of a replay] → Doubt (M10): without returned":          "nothing was sent that an Absent could be too early for",
	"Half FoundAbsent [behind, Settle later] → Unknown (M5): to Half":       "it is looked for until GiveUp, and unknown then",
}

// ends are the phases that a row may lead to.
var ends = []protocol.Phase{
	protocol.Clear, protocol.Sending, protocol.Doubt, protocol.Half, protocol.Denied, protocol.Fetch, protocol.Closing,
	protocol.Applied, protocol.NotApplied, protocol.Unknown, protocol.Busy,
}

// mutants are all that differ in one row, in one guard or effect, or in a decision.
func mutants() []*mutant {
	all := append(changed(), decided()...)
	for i := range protocol.Payment {
		all = append(all, ofRow(i)...)
	}
	return all
}

// ofRow are the mutants of a row: gone, without one of its guards or effects, and
// with each other end.
func ofRow(i int) (all []*mutant) {
	row := protocol.Payment[i]
	add := func(what string, change func(r *protocol.Row)) {
		table := slices.Clone(protocol.Payment)
		change(&table[i])
		all = append(all, &mutant{name: row.String() + ": " + what, table: table, decide: protocol.Decide, feed: &feed{row.From, row.On}})
	}
	add("gone", func(r *protocol.Row) { r.From = protocol.Busy }) // an end, where nothing happens
	for j, g := range row.If {
		add("without "+g.Name, func(r *protocol.Row) { r.If = slices.Delete(slices.Clone(row.If), j, j+1) })
	}
	for j, e := range row.Then {
		add("without "+e.Name, func(r *protocol.Row) { r.Then = slices.Delete(slices.Clone(row.Then), j, j+1) })
	}
	for _, to := range ends {
		if to != row.To {
			add("to "+to.String(), func(r *protocol.Row) { r.To = to })
		}
	}
	return all
}

// changed are the mutants of guards and effects that say more than one thing.
func changed() (all []*mutant) {
	type state = protocol.State
	type event = protocol.Event
	above := func(s *state, e *event) bool { return e.Nonce == 0 || e.Nonce > s.Fence }
	for _, g := range []struct {
		name, guard string
		holds       func(s *state, e *event) bool
	}{
		{"on any key", "behind", func(s *state, e *event) bool { return above(s, e) && e.Asked >= s.Quiet }},
		{"with any nonce", "behind", func(s *state, e *event) bool { return e.Same && e.Asked >= s.Quiet }},
		{"at any time", "behind", func(s *state, e *event) bool { return e.Same && above(s, e) }},
		{"answered after Settle", "Settle later", func(s *state, e *event) bool { return e.At >= s.Due }},
	} {
		all = append(all, rewritten(g.guard+": "+g.name, func(r *protocol.Row) {
			for i := range r.If {
				if r.If[i].Name == g.guard {
					r.If[i].Holds = g.holds
				}
			}
		}))
	}
	for _, f := range []struct {
		name, effect string
		do           func(s *state, e *event)
	}{
		{"the time of others is over, too", "returned", func(s *state, e *event) { s.Quiet = e.At }},
		{"Settle after it was asked", "due", func(s *state, e *event) { s.Due = e.Asked + s.Settle }},
	} {
		all = append(all, rewritten(f.effect+": "+f.name, func(r *protocol.Row) {
			for i := range r.Then {
				if r.Then[i].Name == f.effect {
					r.Then[i].Do = f.do
				}
			}
		}))
	}
	return all
}

func rewritten(name string, change func(r *protocol.Row)) *mutant {
	table := slices.Clone(protocol.Payment)
	for i := range table {
		table[i].If, table[i].Then = slices.Clone(table[i].If), slices.Clone(table[i].Then)
		change(&table[i])
	}
	return &mutant{name: name, table: table, decide: protocol.Decide}
}
