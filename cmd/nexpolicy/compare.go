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

// compare finds everything that two files do differently: in the verdict on a code, and
// in the policy for any class, code and HTTP status. It is empty only if there is no
// difference.
func compare(from, to *policyfile.File) []difference {
	c := comparison{from: from.Policies, to: to.Policies, codes: map[classify.Code]moved{}, pairs: map[[2]policy.Policy]*moved{}, equal: map[string]*moved{}}
	if before, after := c.from.AttemptTimeout(), c.to.AttemptTimeout(); before != after {
		c.add("every attempt", []change{{"attempt timeout", orNone(before), orNone(after)}})
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

// A comparison compares two tables and holds the differences found.
type comparison struct {
	from, to *policy.Set
	all      []difference

	// What is listed for a class, a code or a status alone is not repeated for their
	// combinations.
	classes  [5]moved
	codes    map[classify.Code]moved
	statuses [600]moved

	// There are many codes but few pairs of policies. These cache the result of moves for
	// each pair, and share equal results.
	pairs map[[2]policy.Policy]*moved
	equal map[string]*moved
}

// moved are the changes of policy fields that were listed.
type moved []change

func (c *comparison) add(about string, changes []change) {
	if len(changes) > 0 {
		c.all = append(c.all, difference{about, changes})
	}
}

// moves lists the fields that differ in the policies for a verdict.
func (c *comparison) moves(v classify.Verdict) moved {
	if found := c.differing(v); found != nil {
		return *found
	}
	return nil
}

// differing is moves with a shared result, nil if nothing differs.
func (c *comparison) differing(v classify.Verdict) *moved {
	before, after := c.from.For(v), c.to.For(v)
	if before == after {
		return nil
	}
	pair := [2]policy.Policy{effective(v.Class, before), effective(v.Class, after)}
	found, ok := c.pairs[pair]
	if !ok {
		if all := moved(moves(pair[0], pair[1])); len(all) > 0 {
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

// compareClasses compares the policies for errors without a code and a status, such as
// errors of the connection.
func (c *comparison) compareClasses() {
	for _, class := range classes {
		c.classes[class] = c.moves(classify.Verdict{Class: class})
		c.all = merge(c.all, "class "+class.String(), c.classes[class])
	}
}

// compareCodes compares the meaning of codes, and their policies under no particular
// status.
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

// compareStatuses compares the policies for statuses without a code.
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

// classOf returns the class of a status without a code.
func classOf(set *policy.Set, status int) classify.Class {
	return set.Catalog().Classify(&classify.Error{Status: status}).Class
}

// merge adds the changes of a subject to an existing entry with the same changes, or as a
// new entry.
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
