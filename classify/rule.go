package classify

import (
	"errors"
	"fmt"
	"slices"
)

// Rule says what one code, or every code of a range, means.
type Rule struct {
	First   Code   // the code, or the first of a range; not 0, unless a range runs across it
	Last    Code   // the last of a range, itself included; 0 means First alone, so no range can end at 0
	Name    string // what the code means, such as "API key locked"; required
	Fix     string // what the person who gets it should do; optional
	Class   Class  // required: a rule that leaves its codes Unclassified says nothing
	Effect  Effect // the zero value, Unknown, is the safe side
	Lockout bool   // the key is of no use until a person acts; only together with Fatal
	Source  string // where the fact comes from; optional
}

// last is the end of the rule's range, with the meaning of 0 taken away.
func (r *Rule) last() Code {
	if r.Last == 0 {
		return r.First
	}
	return r.Last
}

// where names the rule in an error.
func (r *Rule) where() string {
	if r.last() == r.First {
		return fmt.Sprintf("rule %q (code %d)", r.Name, int(r.First))
	}
	return fmt.Sprintf("rule %q (codes %d to %d)", r.Name, int(r.First), int(r.Last))
}

// check reports all that is wrong with the rule taken by itself.
func (r *Rule) check() error {
	var errs []error
	fault := func(bad bool, text string) {
		if bad {
			errs = append(errs, fmt.Errorf("%s: %s", r.where(), text))
		}
	}
	fault(r.Name == "", "no name")
	fault(r.First == 0 && r.Last == 0, "code 0 means no code")
	fault(r.last() < r.First, "range is reversed")
	fault(r.Class == Unclassified, "no class")
	fault(r.Class > Fatal, "invalid class "+r.Class.String())
	fault(r.Effect > NotApplied, "invalid effect "+r.Effect.String())
	fault(r.Lockout && r.Class != Fatal, "lockout without class fatal")
	return errors.Join(errs...)
}

// A span is a stretch of codes for which one rule speaks.
type span struct {
	first, last Code
	rule        *Rule
}

// compile checks the rules of one call, each by itself and against each other,
// and sorts them into single codes and ranges.
func compile(rules []Rule) (singles, ranges []span, err error) {
	rules = slices.Clone(rules) // the caller may change theirs later
	var errs []error
	for i := range rules {
		r := &rules[i]
		if err := r.check(); err != nil {
			errs = append(errs, err)
		}
		switch s := (span{r.First, r.last(), r}); {
		case s.first == s.last:
			singles = append(singles, s)
		case s.first < s.last:
			ranges = append(ranges, s)
		}
	}
	errs = append(errs, collisions(singles)...)
	errs = append(errs, collisions(ranges)...)
	return singles, ranges, errors.Join(errs...)
}

// collisions sorts spans and reports each one that reaches into an earlier one.
func collisions(spans []span) (errs []error) {
	slices.SortStableFunc(spans, func(a, b span) int {
		if a.first < b.first {
			return -1
		}
		if a.first > b.first {
			return 1
		}
		return 0
	})
	for i, far := 1, 0; i < len(spans); i++ {
		if spans[i].first <= spans[far].last {
			errs = append(errs, fmt.Errorf("%s overlaps %s", spans[i].rule.where(), spans[far].rule.where()))
		}
		if spans[i].last > spans[far].last {
			far = i
		}
	}
	return errs
}

// overlay lays top over base and keeps of base what top leaves uncovered. Both are
// sorted and free of overlaps, and so is the result.
func overlay(base, top []span) []span {
	out := make([]span, 0, len(base)+2*len(top))
	t := 0
	for _, b := range base {
		for t < len(top) && top[t].last < b.first {
			out = append(out, top[t])
			t++
		}
		covered := false // up to the end of b
		for t < len(top) && top[t].first <= b.last {
			if b.first < top[t].first {
				out = append(out, span{b.first, top[t].first - 1, b.rule})
			}
			if top[t].last >= b.last { // may reach into the next of base: looked at again
				covered = true
				break
			}
			b.first = top[t].last + 1
			out = append(out, top[t])
			t++
		}
		if !covered {
			out = append(out, b)
		}
	}
	return append(out, top[t:]...)
}
