package classify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Rule is the meaning of one code, or of several.
type Rule struct {
	// Codes is one code ("card_declined", "50"), a range of numbers ("30000..39999", both
	// ends included) or a beginning ("EAPI:*": every code that begins with EAPI:; a
	// beginning matches numbers too). Required.
	Codes   string
	Name    string // what the code means, such as "API key locked"; required
	Fix     string // what a person should do about it; optional
	Class   Class  // required; must not be Unclassified
	Effect  Effect // the zero value, Unknown, is the safe choice
	Lockout bool   // the key is useless until a person acts; only with Fatal
	Source  string // where the information comes from; optional
}

// Bounds returns the first and the last code of a range, or the same code twice for a
// rule about one code. ok is false for a beginning and for invalid Codes.
func (r Rule) Bounds() (first, last Code, ok bool) {
	kind, first, last := r.span()
	return first, last, kind == oneCode || kind == aRange
}

// Matches reports whether Codes includes the code. If several rules match, a rule for the
// code alone wins over the longest beginning, and a beginning over a range.
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

// A kind is the form of Rule.Codes.
type kind uint8

const (
	noCodes kind = iota
	oneCode
	aRange
	aBeginning
)

// span parses Codes: one code, both ends of a range, or a beginning.
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

// codesFault returns what is wrong with Codes, or "".
func (r *Rule) codesFault() string {
	kind, first, last := r.span()
	switch {
	case r.Codes == "":
		return "no code"
	case r.Codes == "*":
		return `"*" would match every code; a code without a rule is classified by its HTTP status`
	case kind == noCodes:
		return fmt.Sprintf("invalid code %.150q: a code has at most %d bytes, all printable", r.Codes, maxWord)
	case kind == aRange:
		from, _ := first.number()
		to, _ := last.number()
		if to.compare(from) < 0 {
			return "range is reversed"
		}
	}
	return ""
}

// check reports all mistakes in the rule itself, under a shape.
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
	fault(codes == "" && first == last && s.isSuccess(first), "this code means success")
	fault(r.Class == Unclassified, "no class")
	fault(r.Class > Fatal, "invalid class "+r.Class.String())
	fault(r.Effect > NotApplied, "invalid effect "+r.Effect.String())
	fault(r.Lockout && r.Class != Fatal, "lockout without class fatal")
	return errors.Join(errs...)
}

// A span is an interval of numbers that one rule matches.
type span struct {
	first, last number
	rule        *Rule
}

// ruleSet holds the rules of one call by their form.
type ruleSet struct {
	singles    map[Code]*Rule
	beginnings map[Code]*Rule
	ranges     []span
}

// compile checks the rules of one call, each by itself and against each other.
func compile(rules []Rule, s *shape) (set ruleSet, err error) {
	rules = slices.Clone(rules) // the caller may change its slice later
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

// collisions sorts spans and reports each one that overlaps an earlier one.
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

// overlay puts top over base and keeps the parts of base that top does not cover. Both
// are sorted and do not overlap, and so is the result.
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
			if top[t].last.compare(b.last) >= 0 { // it may overlap the next of base: visited again
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
