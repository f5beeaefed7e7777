package main

import (
	"slices"
	"strings"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// mostCombinations limits the differences listed of codes under statuses. There may be as
// many as codes times statuses, more than anybody reads.
const mostCombinations = 200

// compareCombinations finds what differs only for a combination of code, status and
// class: a code with its own policy in one file inherits the policy of the status in the
// other.
func (c *comparison) compareCombinations() {
	groups := c.statusGroups()
	found := combinations{at: map[combinationKey]int{}}
	for _, code := range c.ownCodes() {
		for _, class := range classes {
			c.underStatuses(code, class, groups, &found)
		}
	}
	for i, d := range found.all {
		if i == mostCombinations {
			more := len(found.all) - i
			c.all = append(c.all, difference{about: "and " + number(more, "difference") + " more, of codes under statuses"})
			break
		}
		c.add(d.about(), *d.moves)
	}
}

// ownCodes returns the codes for which one of the tables has a policy. "" stands for all
// others, which inherit the same.
func (c *comparison) ownCodes() []classify.Code {
	codes := append(c.from.Codes(), c.to.Codes()...)
	slices.SortFunc(codes, classify.Code.Compare)
	return append([]classify.Code{""}, slices.Compact(codes)...)
}

// A statusGroup is a set of statuses with the same meaning and the same policies in each
// table, so that codes inherit the same from them.
type statusGroup struct {
	class    classify.Class
	statuses []int // zero: no status
}

func (c *comparison) statusGroups() []statusGroup {
	type key struct {
		class    classify.Class
		inherits [2][5]policy.Policy
	}
	var groups []statusGroup
	at := map[key]int{}
	for status := range 600 {
		if 0 < status && status < 100 {
			continue
		}
		k := key{class: classOf(c.to, status)}
		for _, class := range classes {
			v := classify.Verdict{Class: class, Status: status}
			k.inherits[0][class], k.inherits[1][class] = c.from.For(v), c.to.For(v)
		}
		i, ok := at[k]
		if !ok || status == 0 {
			i = len(groups)
			groups = append(groups, statusGroup{class: k.class})
			if status > 0 { // no status is the first group, by itself
				at[k] = i
			}
		}
		groups[i].statuses = append(groups[i].statuses, status)
	}
	return groups
}

// underStatuses records what differs for a code, taken as of a class, besides what is
// listed for the code, the class or the status alone.
func (c *comparison) underStatuses(code classify.Code, class classify.Class, groups []statusGroup, found *combinations) {
	alone := slices.Concat(c.classes[class], c.codes[code])
	var differ []combination
	at := map[combinationKey]int{}
	for _, g := range groups {
		status := g.statuses[0]
		moves := c.differing(classify.Verdict{Class: class, Code: code, Status: status})
		known := func(m change) bool { return slices.Contains(alone, m) || slices.Contains(c.statuses[status], m) }
		if moves == nil || !slices.ContainsFunc(*moves, func(m change) bool { return !known(m) }) {
			continue
		}
		switch {
		case status == 0:
			alone = slices.Concat(alone, *moves)
		case code == "": // the first, so that the codes need not repeat it
			c.statuses[status] = slices.Concat(c.statuses[status], *moves)
		}
		d := combination{class: class, foreign: code != "" && class != c.rule(code).Class || code == "" && class != g.class, moves: moves}
		i, ok := at[d.key()]
		if !ok {
			i = len(differ)
			at[d.key()] = i
			differ = append(differ, d)
		}
		differ[i].statuses = append(differ[i].statuses, g.statuses...)
	}
	name := ""
	if code != "" {
		name = code.Text() + " " + c.rule(code).Name
	}
	for _, d := range differ {
		found.add(d, name)
	}
}

func (c *comparison) rule(code classify.Code) classify.Rule {
	rule, ok := c.to.Catalog().Lookup(code)
	if !ok {
		rule, _ = c.from.Catalog().Lookup(code)
	}
	return rule
}

// A combination is a set of codes with the same differences under the same statuses.
type combination struct {
	codes    []string // empty: no code
	statuses []int
	class    classify.Class
	foreign  bool // the class is not that of the rule or the status
	moves    *moved
}

// A combinationKey identifies combinations that are listed as one.
type combinationKey struct {
	moves    *moved
	class    classify.Class
	foreign  bool
	coded    bool
	statuses string
}

func (d *combination) key() combinationKey {
	return combinationKey{moves: d.moves, class: d.class, foreign: d.foreign}
}

type combinations struct {
	all []combination
	at  map[combinationKey]int
}

func (cs *combinations) add(d combination, code string) {
	slices.Sort(d.statuses)
	key := d.key()
	key.coded, key.statuses = code != "", runs(d.statuses)
	if !d.foreign { // of any class
		key.class = 0
	}
	i, ok := cs.at[key]
	if !ok {
		i = len(cs.all)
		cs.at[key] = i
		cs.all = append(cs.all, d)
	}
	if code != "" {
		cs.all[i].codes = append(cs.all[i].codes, code)
	}
}

// about describes the combination: 7 busy under HTTP 503, 8 late as fatal, HTTP 404 as
// retryable.
func (d *combination) about() string {
	text := strings.Join(d.codes, ", ")
	if label := runs(d.statuses); label != "" {
		if text != "" {
			text += " under "
		}
		text += "HTTP " + label
	}
	if d.foreign {
		text += " as " + d.class.String()
	}
	return text
}

// runs formats a list of statuses: 500..503, 599. It is empty for no status.
func runs(statuses []int) string {
	var all []string
	for i := 0; i < len(statuses); {
		last := i
		for last+1 < len(statuses) && statuses[last+1] == statuses[last]+1 {
			last++
		}
		if statuses[i] != 0 {
			all = append(all, runOf(statuses[i], statuses[last]))
		}
		i = last + 1
	}
	return strings.Join(all, ", ")
}
