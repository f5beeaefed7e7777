package resiliencedebug

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/text"
)

// A breakersPart is the section of the breakers.
type breakersPart struct {
	States   map[string]int `json:"states"`   // the number in each state, including those not shown
	Breakers []breakerRow   `json:"breakers"` // at most 500, those that are not closed first
	More     int            `json:"more"`     // that are not shown
}

type breakerRow struct {
	APIs         []string   `json:"apis,omitempty"` // the Retriers that have it
	Name         string     `json:"name"`
	State        string     `json:"state"`            // isolated, open, half-open, closed; with ReportOnly also "would be open", "would be half-open"
	Reason       string     `json:"reason,omitempty"` // isolated, open: why
	Since        time.Time  `json:"since"`
	Until        *time.Time `json:"until,omitempty"` // open: the next call after that is a probe
	InARow       int        `json:"failures_in_a_row"`
	Failures     uint64     `json:"failures"` // in the window
	Calls        uint64     `json:"calls"`    // in the window
	Probes       int        `json:"probes"`
	Refused      uint64     `json:"refused"`        // in this state
	RefusedInAll uint64     `json:"refused_in_all"` // since the program started

	target string // the name that actions and boards use
}

// API is the first of the Retriers that have it, empty if none has.
func (b *breakerRow) API() string { return first(b.APIs) }

// Target is its name in actions.
func (b *breakerRow) Target() string { return b.target }

// Closed reports whether it lets all calls through.
func (b *breakerRow) Closed() bool { return b.State == breaker.Closed.String() }

// A switchable is a breaker with its names.
type switchable struct {
	*breaker.Breaker
	apis   []string
	target string
}

// switchables returns all breakers, each once.
func (p *page) switchables() (all []*switchable) {
	known := map[*breaker.Breaker]*switchable{}
	add := func(b *breaker.Breaker, api, target string) {
		s := known[b]
		if s == nil {
			s = &switchable{Breaker: b, target: target}
			known[b] = s
			all = append(all, s)
		}
		if api != "" {
			s.apis = append(s.apis, api)
		}
	}
	for _, api := range p.names {
		r := p.retriers[api]
		if b := r.Breaker(); b != nil {
			add(b, api, b.Name())
		}
		if g := r.Breakers(); g != nil {
			for name, b := range g.All() {
				add(b, api, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.breakers)) {
		add(p.breakers[name], "", name)
	}
	return all
}

// breakersNow returns nil if there are no breakers.
func (p *page) breakersNow() *breakersPart {
	all := p.switchables()
	if len(all) == 0 && !p.hasBreakers() {
		return nil
	}
	rows, states := make([]breakerRow, len(all)), map[string]int{}
	for i, s := range all {
		rows[i] = s.row()
		states[rows[i].State]++
	}
	slices.SortStableFunc(rows, func(a, b breakerRow) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.API(), b.API()), cmp.Compare(a.Name, b.Name))
	})
	shown := min(len(rows), mostRows)
	return &breakersPart{states, rows[:shown], len(rows) - shown}
}

// hasBreakers reports whether a group may have some later.
func (p *page) hasBreakers() bool {
	return slices.ContainsFunc(p.names, func(api string) bool { return p.retriers[api].Breakers() != nil })
}

const (
	isolated = "isolated"
	wouldBe  = "would be " // of a breaker that refuses nothing
)

func (s *switchable) row() breakerRow {
	is := s.Stats()
	row := breakerRow{
		APIs: s.apis, Name: cmp.Or(is.Name, s.target), State: is.State.String(), Reason: is.Reason, Since: is.Since.UTC(),
		InARow: is.InARow, Failures: is.Failures, Calls: is.Calls, Probes: is.Probes,
		Refused: is.Refused, RefusedInAll: is.RefusedInAll, target: text.Cut(s.target, mostText),
	}
	if len(s.apis) == 0 {
		row.Name = s.target // its name in Config.Breakers
	}
	switch {
	case is.Isolated:
		row.State = isolated
	case is.ReportOnly && is.State != breaker.Closed:
		row.State = wouldBe + row.State
	}
	if !is.Until.IsZero() {
		until := is.Until.UTC()
		row.Until = &until
	}
	return row
}

// troubled lists the states that are not closed, the most urgent first. Those after the
// first three can wait for the morning.
var troubled = []string{
	isolated, breaker.Open.String(), breaker.HalfOpen.String(), wouldBe + breaker.Open.String(), wouldBe + breaker.HalfOpen.String(),
}

// rank is lower if it is more urgent.
func (b *breakerRow) rank() int {
	if i := slices.Index(troubled, b.State); i >= 0 {
		return i
	}
	return len(troubled)
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
