package classify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Rule says what one code, or every code of several, means.
type Rule struct {
	// Codes is one code ("card_declined", "50"), a range of numbers
	// ("30000..39999", both ends included) or a beginning ("EAPI:*": every code
	// that begins with EAPI:, a number such as "50" too). Required.
	Codes   string
	Name    string // what the code means, such as "API key locked"; required
	Fix     string // what the person who gets it should do; optional
	Class   Class  // required: a rule that leaves its codes Unclassified says nothing
	Effect  Effect // the zero value, Unknown, is the safe side
	Lockout bool   // the key is of no use until a person acts; only together with Fatal
	Source  string // where the fact comes from; optional
}

// Bounds returns the first and the last code of a range of numbers, or twice the one
// code that the rule is about. It is false for a beginning, and for what is no code.
func (r Rule) Bounds() (first, last Code, ok bool) {
	kind, first, last := r.span()
	return first, last, kind == oneCode || kind == aRange
}

// Matches reports whether Codes includes the code. Of several rules that do, one for
// the code alone wins over the longest beginning, and that over a range.
func (r Rule) Matches(code Code) bool {
	switch kind, first, last := r.span(); kind {
	case oneCode:
		return code == first
	case aBeginning:
		return strings.HasPrefix(string(code), string(first))
	case aRange:
		n, ok := code.number()
		from, _ := first.number()
		to, _ := last.number()
		return ok && from.compare(n) <= 0 && n.compare(to) <= 0
	}
	return false
}

// A kind says what Rule.Codes stands for.
type kind uint8

const (
	noCodes kind = iota
	oneCode
	aRange
	aBeginning
)

// span takes Codes apart: the code, or both ends of the range, or the beginning.
func (r *Rule) span() (k kind, first, last Code) {
	if from, to, found := strings.Cut(r.Codes, ".."); found {
		_, okFrom := Code(from).number()
		_, okTo := Code(to).number()
		if okFrom && okTo {
			return aRange, Code(from), Code(to)
		}
	}
	if begin, found := strings.CutSuffix(r.Codes, "*"); found {
		if !Code(begin).Valid() {
			return noCodes, "", ""
		}
		return aBeginning, Code(begin), ""
	}
	if code := Code(r.Codes); code.Valid() {
		return oneCode, code, code
	}
	return noCodes, "", ""
}

// where names the rule in an error.
func (r *Rule) where() string {
	switch kind, first, last := r.span(); kind {
	case oneCode:
		return fmt.Sprintf("rule %q (code %s)", r.Name, first.Text())
	case aRange:
		return fmt.Sprintf("rule %q (codes %s to %s)", r.Name, first, last)
	case aBeginning:
		return fmt.Sprintf("rule %q (codes %s)", r.Name, Code(r.Codes).Text())
	}
	return fmt.Sprintf("rule %q", r.Name)
}

// codesFault is what is wrong with Codes, "" if nothing.
func (r *Rule) codesFault() string {
	kind, first, last := r.span()
	switch {
	case r.Codes == "":
		return "no code"
	case r.Codes == "*":
		return `"*" would be every code: what no rule knows is judged by its status`
	case kind == noCodes:
		return fmt.Sprintf("no answer has the code %.150q: a code has at most %d bytes, all printable", r.Codes, maxWord)
	case kind == aRange:
		from, _ := first.number()
		to, _ := last.number()
		if to.compare(from) < 0 {
			return "range is reversed"
		}
	}
	return ""
}

// check reports all that is wrong with the rule taken by itself, under a shape.
func (r *Rule) check(s *shape) error {
	var errs []error
	fault := func(bad bool, text string) {
		if bad {
			errs = append(errs, fmt.Errorf("%s: %s", r.where(), text))
		}
	}
	codes := r.codesFault()
	fault(r.Name == "", "no name")
	fault(codes != "", codes)
	_, first, last := r.span()
	fault(codes == "" && first == last && s.isSuccess(first), "this code says that there is no error")
	fault(r.Class == Unclassified, "no class")
	fault(r.Class > Fatal, "invalid class "+r.Class.String())
	fault(r.Effect > NotApplied, "invalid effect "+r.Effect.String())
	fault(r.Lockout && r.Class != Fatal, "lockout without class fatal")
	return errors.Join(errs...)
}

// A span is a stretch of numbers for which one rule speaks.
type span struct {
	first, last number
	rule        *Rule
}

// ruleSet is the rules of one call, sorted by what they speak for.
type ruleSet struct {
	singles    map[Code]*Rule
	beginnings map[Code]*Rule
	ranges     []span
}

// compile checks the rules of one call, each by itself and against each other.
func compile(rules []Rule, s *shape) (set ruleSet, err error) {
	rules = slices.Clone(rules) // the caller may change theirs later
	set = ruleSet{singles: make(map[Code]*Rule, len(rules)), beginnings: map[Code]*Rule{}}
	var errs []error
	add := func(to map[Code]*Rule, code Code, r *Rule) {
		if other := to[code]; other != nil {
			errs = append(errs, fmt.Errorf("%s overlaps %s", r.where(), other.where()))
			return
		}
		to[code] = r
	}
	for i := range rules {
		r := &rules[i]
		if err := r.check(s); err != nil {
			errs = append(errs, err)
		}
		switch kind, first, last := r.span(); kind {
		case oneCode:
			add(set.singles, first, r)
		case aBeginning:
			add(set.beginnings, first, r)
		case aRange:
			from, _ := first.number()
			to, _ := last.number()
			switch from.compare(to) {
			case 0:
				add(set.singles, first, r)
			case -1:
				set.ranges = append(set.ranges, span{from, to, r})
			}
		}
	}
	errs = append(errs, collisions(set.ranges)...)
	return set, errors.Join(errs...)
}

// collisions sorts spans and reports each one that reaches into an earlier one.
func collisions(spans []span) (errs []error) {
	slices.SortStableFunc(spans, func(a, b span) int { return a.first.compare(b.first) })
	for i, far := 1, 0; i < len(spans); i++ {
		if spans[i].first.compare(spans[far].last) <= 0 {
			errs = append(errs, fmt.Errorf("%s overlaps %s", spans[i].rule.where(), spans[far].rule.where()))
		}
		if spans[i].last.compare(spans[far].last) > 0 {
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
		for t < len(top) && top[t].last.compare(b.first) < 0 {
			out = append(out, top[t])
			t++
		}
		covered := false // up to the end of b
		for t < len(top) && top[t].first.compare(b.last) <= 0 {
			if b.first.compare(top[t].first) < 0 {
				out = append(out, span{b.first, top[t].first.plus(-1), b.rule})
			}
			if top[t].last.compare(b.last) >= 0 { // may reach into the next of base: looked at again
				covered = true
				break
			}
			b.first = top[t].last.plus(1)
			out = append(out, top[t])
			t++
		}
		if !covered {
			out = append(out, b)
		}
	}
	return append(out, top[t:]...)
}
