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

// minPace is the shortest maximum wait of a call with unlimited attempts. With shorter
// waits the call would be a hot loop against a failing server for as long as MaxElapsed
// allows. The budget does not stop a call whose retries are free.
const minPace = time.Millisecond

// An end is a pair of limits of which every call must have at least one. The two may come
// from different layers of the table.
type end struct {
	other func(*Policy) limit // the limit besides MaxAttempts
	text  string
}

var ends = []end{
	{limitOfTime, "neither MaxAttempts nor MaxElapsed has a limit: a call would never end"},
	{limitOfPace, fmt.Sprintf("MaxAttempts has no limit and every wait is below %v: a call would send as fast as it can", minPace)},
}

// A limit is what one layer of the table sets for a limit.
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
	return limited // or invalid, and already reported
}

// limits holds what a layer sets for the two limits of an end.
type limits struct{ sends, other limit }

func (e *end) limits(p Policy) limits { return limits{limitOfSends(&p), e.other(&p)} }

func (l limits) over(under limits) limits {
	return limits{cmp.Or(l.sends, under.sends), cmp.Or(l.other, under.other)}
}

// lifts reports whether the layer removes a limit that the layer above inherits.
func (l limits) lifts(above limits) bool {
	return above.sends == inherited && l.sends == unlimited || above.other == inherited && l.other == unlimited
}

// endless reports whether both limits are removed.
func (l limits) endless() bool { return l == limits{unlimited, unlimited} }

// endless reports combinations of code, status, class and default that would retry
// forever, or without any wait until MaxElapsed. [Standard], beneath them, has every
// limit. A combination is reported for each layer that contributes to it, so that fixing
// one does not reveal the next.
func (ps *problems) endless(t *Table) {
	for i := range ends {
		e := &ends[i]
		under := ps.endlessClass(t, e)
		ps.endlessCodes(t, e, under, ps.endlessStatuses(t, e, under))
	}
}

// endlessClass returns the limits that apply beneath statuses and codes.
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

// endlessStatuses returns the statuses that remove a limit.
func (ps *problems) endlessStatuses(t *Table, e *end, under limits) map[int]limits {
	lifting := make(map[int]limits)
	for _, status := range sorted(t.Statuses) {
		l := e.limits(t.Statuses[status])
		if t.classOf(status) != classify.Retryable {
			l.sends = inherited // setting it is a mistake that was already reported
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
	beneath := make(map[limits]string) // one entry for each combination, not for each code
	for _, code := range t.resent() {
		l := e.limits(t.Codes[code])
		if !l.lifts(limits{}) {
			continue
		}
		where := fmt.Sprintf("Codes[%s]", code.Text())
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

// spans lists the statuses for which meant is true, and shortens runs: "429, 500..504".
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
