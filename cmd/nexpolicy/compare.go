package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policyfile"
)

var classes = []classify.Class{classify.Unclassified, classify.Retryable, classify.Resync, classify.FixAndResend, classify.Fatal}

// compare finds all that two files do differently: in the verdict on a code, and in
// the policy for any class, code and HTTP status. It is empty only if there is nothing.
func compare(from, to *policyfile.File) []difference {
	c := comparison{from: from.Policies, to: to.Policies, codes: map[classify.Code]told{}, pairs: map[[2]policy.Policy]*told{}, equal: map[string]*told{}}
	if before, after := c.from.AttemptTimeout(), c.to.AttemptTimeout(); before != after {
		c.add("every send", []change{{"attempt timeout", orNone(before), orNone(after)}})
	}
	c.add("answers", shapeChanges(c.from.Catalog().Shape(), c.to.Catalog().Shape()))
	c.compareClasses()
	c.compareCodes()
	c.compareStatuses()
	c.compareCombinations()
	c.add("breaker", fields(filledBreaker(from.Breaker), filledBreaker(to.Breaker)))
	c.add("budget", fields(filledBudget(from.Budget), filledBudget(to.Budget)))
	return c.all
}

// A comparison is of two tables, with what was found.
type comparison struct {
	from, to *policy.Set
	all      []difference

	// What was told of a class, a code or a status by itself is not told again of
	// their combinations.
	classes  [5]told
	codes    map[classify.Code]told
	statuses [600]told

	// Codes are many, and pairs of policies few: what moves found before, and one
	// copy of those that read alike.
	pairs map[[2]policy.Policy]*told
	equal map[string]*told
}

// told are the changes in fields of policies that were listed.
type told []change

func (c *comparison) add(about string, changes []change) {
	if len(changes) > 0 {
		c.all = append(c.all, difference{about, changes})
	}
}

// moves lists the fields that differ in what is done about a verdict.
func (c *comparison) moves(v classify.Verdict) told {
	if found := c.differing(v); found != nil {
		return *found
	}
	return nil
}

// differing is moves, nil if nothing differs, and one for all that read alike.
func (c *comparison) differing(v classify.Verdict) *told {
	before, after := c.from.For(v), c.to.For(v)
	if before == after {
		return nil
	}
	pair := [2]policy.Policy{effective(v.Class, before), effective(v.Class, after)}
	found, ok := c.pairs[pair]
	if !ok {
		if all := told(moves(pair[0], pair[1])); len(all) > 0 {
			key := fmt.Sprint(all)
			if found = c.equal[key]; found == nil {
				found = &all
				c.equal[key] = found
			}
		}
		c.pairs[pair] = found
	}
	return found
}

// compareClasses compares what is done about errors without a code and a status, such
// as those of the connection.
func (c *comparison) compareClasses() {
	for _, class := range classes {
		c.classes[class] = c.moves(classify.Verdict{Class: class})
		c.all = merge(c.all, "class "+class.String(), c.classes[class])
	}
}

// compareCodes compares what codes mean, and what they do under no particular status.
func (c *comparison) compareCodes() {
	for _, s := range stretches(c.from, c.to) {
		before, known := c.from.Catalog().Lookup(s.code)
		after, still := c.to.Catalog().Lookup(s.code)
		alike := known == still && before.Class == after.Class && before.Effect == after.Effect && before.Lockout == after.Lockout
		if alike {
			c.codes[s.code] = c.moves(classify.Verdict{Class: after.Class, Code: s.code})
			if len(c.codes[s.code]) == 0 {
				continue
			}
		}
		about := s.String() + " " + cmp.Or(after.Name, before.Name)
		c.all = merge(c.all, about, changes(behaviourOf(c.from.Explain(s.code)), behaviourOf(c.to.Explain(s.code))))
	}
}

// compareStatuses compares what statuses do without a code.
func (c *comparison) compareStatuses() {
	of := func(status int) []change {
		v := classify.Verdict{Class: classOf(c.to, status), Status: status}
		if c.statuses[status] = c.moves(v); len(c.statuses[status]) == 0 {
			return nil
		}
		return changes(behaviourOf(explain(c.from, "", status)), behaviourOf(explain(c.to, "", status)))
	}
	for first := 100; first <= 599; {
		changes, next := of(first), first+1
		for next <= 599 && slices.Equal(changes, of(next)) {
			next++
		}
		c.all = merge(c.all, "HTTP "+runOf(first, next-1), changes)
		first = next
	}
}

// classOf is what a status means without a code.
func classOf(set *policy.Set, status int) classify.Class {
	return set.Catalog().Classify(&classify.Error{Status: status}).Class
}

// merge adds what changes about something, to whatever changes in the same way.
func merge(all []difference, about string, changes []change) []difference {
	if len(changes) == 0 {
		return all
	}
	for i := range all {
		if slices.Equal(all[i].changes, changes) {
			all[i].about += ", " + about
			return all
		}
	}
	return append(all, difference{about, changes})
}
