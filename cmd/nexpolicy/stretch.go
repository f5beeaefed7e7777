package main

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// A stretch is a set of codes with the same rule and policy: one code, a run of numbers,
// or all codes with the same beginning that have nothing more specific.
type stretch struct {
	codes       string        // as a rule writes them
	code        classify.Code // one of them
	first, last *big.Int      // of numbers
}

// String returns the stretch for display.
func (s stretch) String() string {
	if s.first != nil {
		return s.codes
	}
	return classify.Code(s.codes).Text()
}

func stretchOf(first, last *big.Int) stretch {
	return stretch{codes: runOf(first, last), code: classify.Code(first.String()), first: first, last: last}
}

// runOf returns a run of numbers for display.
func runOf[N int | *big.Int](first, last N) string {
	if a, b := fmt.Sprint(first), fmt.Sprint(last); a != b {
		return a + ".." + b
	}
	return fmt.Sprint(first)
}

// before reports whether o is the next run of numbers.
func (s *stretch) before(o *stretch) bool {
	return s.first != nil && o.first != nil && plusOne(s.last).Cmp(o.first) == 0
}

func plusOne(n *big.Int) *big.Int { return new(big.Int).Add(n, big.NewInt(1)) }

// number40 matches a code that is a number: an integer of at most 40 digits.
var number40 = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,39})$`)

// numberOf returns the value of a code, or nil if it is a word.
func numberOf(code classify.Code) *big.Int {
	if !number40.MatchString(string(code)) {
		return nil
	}
	n, _ := new(big.Int).SetString(string(code), 10)
	return n
}

// stretches splits the codes that one of the tables knows wherever rule or policy may
// change: numbers first, then words.
func stretches(sets ...*policy.Set) []stretch {
	c := cutter{sets: sets, beginnings: map[string]bool{}, words: map[classify.Code]bool{}, own: map[classify.Code]bool{}}
	for _, set := range sets {
		for _, r := range set.Catalog().Rules() {
			if first, last, ok := r.Bounds(); ok {
				c.add(first, last)
			} else {
				c.beginnings[strings.TrimSuffix(r.Codes, "*")] = true
			}
		}
		for _, code := range set.Codes() {
			c.own[code] = true
			c.add(code, code)
		}
	}
	for begin := range c.beginnings {
		c.cutBeginning(begin)
	}
	return append(c.numbers(), c.texts()...)
}

// A cutter finds the stretches of tables.
type cutter struct {
	sets       []*policy.Set
	cuts       []*big.Int // numbers at which something may change
	words      map[classify.Code]bool
	own        map[classify.Code]bool // codes with their own policy
	beginnings map[string]bool
}

func (c *cutter) add(first, last classify.Code) {
	if from, to := numberOf(first), numberOf(last); from != nil && to != nil {
		c.cut(from, to)
		return
	}
	c.words[first] = true
}

func (c *cutter) cut(first, last *big.Int) { c.cuts = append(c.cuts, first, plusOne(last)) }

// cutBeginning cuts around the numbers with a beginning: 5* includes 5, 50..59, 500..599
// and so on.
func (c *cutter) cutBeginning(begin string) {
	if begin == "-" {
		c.cuts = append(c.cuts, new(big.Int)) // all numbers below zero
	}
	for more := 0; ; more++ {
		from := numberOf(classify.Code(begin + strings.Repeat("0", more)))
		to := numberOf(classify.Code(begin + strings.Repeat("9", more)))
		switch {
		case from == nil || to == nil:
			return
		case from.Cmp(to) > 0:
			from, to = to, from
		}
		c.cut(from, to)
	}
}

// numbers returns the stretches of numbers with a rule that is not a beginning.
func (c *cutter) numbers() (all []stretch) {
	slices.SortFunc(c.cuts, (*big.Int).Cmp)
	c.cuts = slices.CompactFunc(c.cuts, func(a, b *big.Int) bool { return a.Cmp(b) == 0 })
	for i, first := range c.cuts {
		code := classify.Code(first.String())
		known := slices.ContainsFunc(c.sets, func(s *policy.Set) bool {
			r, ok := s.Catalog().Lookup(code)
			_, _, of := r.Bounds()
			return ok && (of || c.own[code])
		})
		if known && i+1 < len(c.cuts) { // no rule includes numbers after the last cut
			all = append(all, stretchOf(first, new(big.Int).Sub(c.cuts[i+1], big.NewInt(1))))
		}
	}
	return all
}

// texts returns the stretches of words, each before the longer words that begin with it.
func (c *cutter) texts() (all []stretch) {
	for word := range c.words {
		all = append(all, stretch{codes: string(word), code: word})
	}
	for begin := range c.beginnings {
		all = append(all, stretch{codes: begin + "*", code: c.example(begin)})
	}
	slices.SortFunc(all, func(a, b stretch) int {
		return strings.Compare(strings.TrimSuffix(a.codes, "*"), strings.TrimSuffix(b.codes, "*"))
	})
	return all
}

// example returns a code for which only its beginning has a rule.
func (c *cutter) example(begin string) classify.Code {
	for _, more := range "…~_!|#x0123456789" {
		code := classify.Code(begin + string(more))
		if code.Valid() && !c.words[code] && numberOf(code) == nil && !c.longer(begin, string(code)) {
			return code
		}
	}
	return classify.Code(begin) // it has the maximum length
}

// longer reports whether a longer beginning includes a code.
func (c *cutter) longer(begin, code string) bool {
	for n := len(begin) + 1; n <= len(code); n++ {
		if c.beginnings[code[:n]] {
			return true
		}
	}
	return false
}
