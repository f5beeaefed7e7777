package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// minPace is the least that the waits of a call without a bound on its sends
// must grow to. Below it, and above all without any wait, the call would be a
// hot loop against a failing server for as long as MaxElapsed lasts; the budget
// does not stop one whose resends are free.
const minPace = time.Millisecond

// An end is one of two limits, at least one of which every call must have. Each
// may come from another layer of the table.
type end struct {
	other func(*Policy) limit // beside MaxAttempts
	text  string
}

var ends = []end{
	{limitOfTime, "neither MaxAttempts nor MaxElapsed has a limit: a call would go on without end"},
	{limitOfPace, fmt.Sprintf("MaxAttempts has no limit, and no wait is as long as %v: a call would send as fast as it can", minPace)},
}

// A limit is what one layer of the table says of it.
type limit uint8

const (
	inherited limit = iota
	limited
	unlimited
)

func limitOfSends(p *Policy) limit {
	switch p.MaxAttempts {
	case 0:
		return inherited
	case None:
		return unlimited
	}
	return limited
}

func limitOfTime(p *Policy) limit {
	switch p.MaxElapsed {
	case 0:
		return inherited
	case None:
		return unlimited
	}
	return limited
}

func limitOfPace(p *Policy) limit {
	switch b := p.Backoff; {
	case b == Backoff{}:
		return inherited
	case len(b.problems()) == 0 && b.Longest(maxSteps) < minPace:
		return unlimited
	}
	return limited // or wrong, and told
}

// limits are what a layer says of the two of an end.
type limits struct{ sends, other limit }

func (e *end) limits(p Policy) limits { return limits{limitOfSends(&p), e.other(&p)} }

func (l limits) over(under limits) limits {
	return limits{cmp.Or(l.sends, under.sends), cmp.Or(l.other, under.other)}
}

// lifts reports whether the layer lifts a limit of which the one above says nothing.
func (l limits) lifts(above limits) bool {
	return above.sends == inherited && l.sends == unlimited || above.other == inherited && l.other == unlimited
}

// endless reports whether neither of the two limits is there.
func (l limits) endless() bool { return l == limits{unlimited, unlimited} }

// endless reports combinations of code, status, class and default that would
// resend without any end, or without any wait until the end. What [Standard] does
// beneath them has every limit. A combination is reported for each layer that has
// a part in it, so that to mend one does not bring up the next.
func (ps *problems) endless(t *Table) {
	for i := range ends {
		e := &ends[i]
		under := ps.endlessClass(t, e)
		ps.endlessCodes(t, e, under, ps.endlessStatuses(t, e, under))
	}
}

// endlessClass returns what applies beneath statuses and codes.
func (ps *problems) endlessClass(t *Table, e *end) (under limits) {
	def, class := e.limits(t.Default), e.limits(t.Classes[classify.Retryable])
	under = class.over(def)
	if !under.endless() {
		return under
	}
	if def.endless() {
		ps.add("Default", "%s", e.text)
	}
	switch {
	case class.endless():
		ps.add("Classes[retryable]", "%s", e.text)
	case class.lifts(limits{}):
		ps.add("Default and Classes[retryable]", "%s", e.text)
	}
	return under
}

// endlessStatuses returns those that lift a limit.
func (ps *problems) endlessStatuses(t *Table, e *end, under limits) map[int]limits {
	lifting := make(map[int]limits)
	for _, status := range sorted(t.Statuses) {
		l := e.limits(t.Statuses[status])
		if t.classOf(status) != classify.Retryable {
			l.sends = inherited // to set it is a mistake, which was told
		}
		if !isStatus(status) || !l.lifts(limits{}) {
			continue
		}
		lifting[status] = l
		if l.over(under).endless() {
			ps.add(fmt.Sprintf("Statuses[%d]", status), "%s", e.text)
		}
	}
	return lifting
}

func (ps *problems) endlessCodes(t *Table, e *end, under limits, statuses map[int]limits) {
	beneath := make(map[limits]string) // of the few that there are, not of every code
	for _, code := range t.resent() {
		l := e.limits(t.Codes[code])
		if !l.lifts(limits{}) {
			continue
		}
		where := fmt.Sprintf("Codes[%d]", code)
		if l.over(under).endless() {
			ps.add(where, "%s", e.text)
		}
		named, ok := beneath[l]
		if !ok {
			named = spans(slices.Sorted(maps.Keys(statuses)), func(status int) bool {
				st := statuses[status]
				return st.lifts(l) && l.over(st).over(under).endless()
			})
			beneath[l] = named
		}
		if named != "" {
			ps.add(where+" under HTTP status "+named, "%s", e.text)
		}
	}
}

// spans lists the statuses that are meant, runs of them as one: "429, 500..504".
func spans(statuses []int, meant func(int) bool) string {
	var runs [][2]int
	for _, status := range statuses {
		switch last := len(runs) - 1; {
		case !meant(status):
		case last >= 0 && runs[last][1] == status-1:
			runs[last][1] = status
		default:
			runs = append(runs, [2]int{status, status})
		}
	}
	texts := make([]string, len(runs))
	for i, run := range runs {
		texts[i] = strconv.Itoa(run[0])
		if run[1] > run[0] {
			texts[i] += ".." + strconv.Itoa(run[1])
		}
	}
	return strings.Join(texts, ", ")
}
