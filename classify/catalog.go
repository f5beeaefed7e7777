package classify

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/nexpay-go/resilience/internal/codes"
)

// A Catalog holds the rules for the error codes of one API, and the shape of its answers.
// It is immutable and safe for concurrent use. Make one with [NewCatalog], or derive one
// from another with [Catalog.With] and [Catalog.WithShape]. The zero Catalog has no rules, and
// its answers have the zero Shape.
type Catalog struct {
	name     string
	shape    *shape
	adapters []Adapter
	sqlState bool // it reads SQLState() string

	// The rules, in three layers: a rule for one code overrides a beginning, which
	// overrides a range.
	singles    map[Code]*Rule
	beginnings map[Code]*Rule
	ranges     []span

	index   codes.Table[Rule] // of singles
	layers  bool              // there are beginnings or ranges
	lengths []int             // of beginnings, without duplicates, longest first
	firsts  []int64           // ranges[i].first, stored together for the search; nil if one does not fit
}

// NewCatalog returns a catalog with these rules, in any order, for an API whose answers
// have the zero [Shape]. If several rules match a code, a rule for that code alone wins
// over the longest beginning, and a beginning wins over a range.
//
// NewCatalog reports all mistakes in one error: an empty catalog name; a rule without a
// name, codes or class; codes that no answer can have; an invalid class or effect; a
// reversed range; a lockout that is not [Fatal]; a rule for a code that means success;
// two ranges that overlap; two rules for one code or beginning.
func NewCatalog(name string, rules ...Rule) (*Catalog, error) {
	var unnamed error
	if name == "" {
		unnamed = errors.New("catalog has no name")
	}
	c, err := (&Catalog{name: name, shape: standard}).With(rules...)
	if err := errors.Join(unnamed, err); err != nil {
		return nil, err
	}
	return c, nil
}

// With returns a copy of the catalog with these rules added. A rule for one code wins
// over a beginning, and a beginning over a range, regardless of when each was added.
// Otherwise the new rules win over the existing ones. The new rules must not overlap each
// other. Errors are those of [NewCatalog].
//
// Policies made for the original catalog keep using it. To give them the copy, set the
// Catalog field of policy.Table.
func (c *Catalog) With(rules ...Rule) (*Catalog, error) {
	set, err := compile(rules, c.reads())
	if err != nil {
		return nil, fmt.Errorf("catalog %q: %w", c.name, err)
	}
	n := &Catalog{
		name:       c.name,
		shape:      c.reads(),
		adapters:   c.adapters,
		sqlState:   c.sqlState,
		singles:    join(c.singles, set.singles),
		beginnings: join(c.beginnings, set.beginnings),
		ranges:     overlay(c.ranges, set.ranges),
	}
	n.layers = len(n.beginnings)+len(n.ranges) > 0
	n.index = codes.Make(n.singles)
	for begin := range n.beginnings {
		n.lengths = append(n.lengths, len(begin))
	}
	slices.SortFunc(n.lengths, func(a, b int) int { return cmp.Compare(b, a) })
	n.lengths = slices.Compact(n.lengths)
	for _, s := range n.ranges {
		first, fits := s.first.int64()
		if !fits {
			n.firsts = nil
			break
		}
		n.firsts = append(n.firsts, first)
	}
	return n, nil
}

func join(base, top map[Code]*Rule) map[Code]*Rule {
	if len(base) == 0 {
		return top
	}
	all := maps.Clone(base)
	maps.Copy(all, top)
	return all
}

// Named returns a copy of the catalog with another name. Use it for a catalog that
// [Catalog.With] has adapted to another API. An empty name leaves the name as it is.
func (c *Catalog) Named(name string) *Catalog {
	n := *c
	n.name = cmp.Or(name, c.name)
	return &n
}

// Name returns the name of the catalog.
func (c *Catalog) Name() string { return c.name }

// Lookup returns the rule for a code, and false if there is none. It does not allocate.
func (c *Catalog) Lookup(code Code) (Rule, bool) {
	if r := c.find(code); r != nil {
		return *r, true
	}
	return Rule{}, false
}

// Rules returns a new slice of the rules that match at least one code. Numbers come
// first, in ascending order, then words. A prefix or a range comes before the codes
// within it.
func (c *Catalog) Rules() []Rule {
	seen := make(map[*Rule]bool, len(c.singles)+len(c.beginnings)+len(c.ranges))
	for _, s := range c.ranges { // a range around others has several spans
		seen[s.rule] = true
	}
	c.hide(seen)
	for _, r := range c.beginnings {
		seen[r] = true
	}
	for _, r := range c.singles {
		seen[r] = true
	}
	rules := make([]Rule, 0, len(seen))
	for r, speaks := range seen {
		if speaks {
			rules = append(rules, *r)
		}
	}
	slices.SortFunc(rules, func(a, b Rule) int { return a.compare(&b) })
	return rules
}

// hide removes the ranges whose every number has a rule of its own.
func (c *Catalog) hide(seen map[*Rule]bool) {
	var codes []span
	for code, r := range c.singles {
		if n, ok := code.number(); ok {
			codes = append(codes, span{n, n, r})
		}
	}
	slices.SortFunc(codes, func(a, b span) int { return a.first.compare(b.first) })
	left := make(map[*Rule]bool, len(seen))
	for _, s := range overlay(c.ranges, codes) {
		left[s.rule] = true
	}
	for r := range seen {
		seen[r] = left[r]
	}
}

// compare orders rules for display.
func (r *Rule) compare(o *Rule) int {
	k, first, last := r.span()
	l, oFirst, oLast := o.span()
	if c := first.Compare(oFirst); c != 0 {
		return c
	}
	if k == aBeginning || l == aBeginning { // before the codes that begin with it
		return cmp.Compare(l, k)
	}
	return oLast.Compare(last)
}

// find is Lookup without the copy.
func (c *Catalog) find(code Code) *Rule {
	if rule := c.index.Find(string(code)); rule != nil {
		return rule
	}
	return c.wider(code)
}

// wider returns the rule for a beginning or a range that includes the code.
func (c *Catalog) wider(code Code) *Rule {
	for _, n := range c.lengths {
		if n <= len(code) {
			if rule := c.beginnings[code[:n]]; rule != nil {
				return rule
			}
		}
	}
	n, ok := code.number()
	if !ok || len(c.ranges) == 0 {
		return nil
	}
	if s := &c.ranges[c.last(n)]; s.first.compare(n) <= 0 && n.compare(s.last) <= 0 {
		return s.rule
	}
	return nil
}

// last returns the index of the last range that begins at or before n, or 0 if none does.
func (c *Catalog) last(n number) (base int) {
	if small, fits := n.int64(); fits && c.firsts != nil {
		for left := len(c.firsts); left > 1; {
			half := left / 2
			if c.firsts[base+half] <= small {
				base += half
			}
			left -= half
		}
		return base
	}
	above := sort.Search(len(c.ranges), func(i int) bool { return c.ranges[i].first.compare(n) > 0 })
	return max(above-1, 0)
}
