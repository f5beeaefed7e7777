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

// A Catalog knows what the codes of one API mean, and what its answers look like. It
// never changes once made and is safe for concurrent use. Make one with [NewCatalog],
// or derive one from another using [Catalog.With] and [Catalog.WithShape].
type Catalog struct {
	name     string
	shape    *shape
	adapters []Adapter
	sqlState bool // its codes are those of SQLSTATE

	// What the rules say, in three layers: one code lies over beginnings, and they
	// over ranges.
	singles    map[Code]*Rule
	beginnings map[Code]*Rule
	ranges     []span

	index   codes.Table[Rule] // of singles
	layers  bool              // there are beginnings or ranges
	lengths []int             // of beginnings, each once, the longest first
	firsts  []int64           // ranges[i].first, close together because that is what a search reads; nil if one is too large
}

// NewCatalog makes a catalog of rules, in any order, for an API whose answers have
// the zero [Shape]. Of several rules that speak for a code, one for that code alone
// wins over the longest beginning, and that over a range.
//
// It reports everything that is wrong in one error: no catalog name, a rule without
// name, codes or class, codes that no answer can have, an invalid class or effect, a
// reversed range, a lockout that is not [Fatal], a rule for a code that says that
// there is no error, two ranges that overlap, two rules for one code or beginning.
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

// With returns a copy of the catalog that follows these rules too. One code wins
// over a beginning, and that over a range, whichever came first; otherwise these
// rules win over those the catalog had. Among themselves they must not overlap, and
// errors are as for [NewCatalog].
//
// To use the copy with policies made for the original, put it into those: see the
// Catalog field of policy.Table.
func (c *Catalog) With(rules ...Rule) (*Catalog, error) {
	set, err := compile(rules, c.shape)
	if err != nil {
		return nil, fmt.Errorf("catalog %q: %w", c.name, err)
	}
	n := &Catalog{
		name:       c.name,
		shape:      c.shape,
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

// Named returns a copy of the catalog with another name, for one that [Catalog.With]
// has made another API's. An empty name changes nothing.
func (c *Catalog) Named(name string) *Catalog {
	n := *c
	n.name = cmp.Or(name, c.name)
	return &n
}

// Name is the name the catalog was made with.
func (c *Catalog) Name() string { return c.name }

// Lookup finds the rule for a code. It does not allocate.
func (c *Catalog) Lookup(code Code) (Rule, bool) {
	if r := c.find(code); r != nil {
		return *r, true
	}
	return Rule{}, false
}

// Rules returns the rules that speak for at least one code, in a slice of the
// caller's own: numbers in their order, a beginning or a range before what lies in
// it, then words.
func (c *Catalog) Rules() []Rule {
	seen := make(map[*Rule]bool, len(c.singles)+len(c.beginnings)+len(c.ranges))
	for _, s := range c.ranges { // one around others has several spans
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

// hide takes out the ranges of which every number has a rule of its own.
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

// compare orders rules for people.
func (r *Rule) compare(o *Rule) int {
	k, first, last := r.span()
	l, oFirst, oLast := o.span()
	if c := first.Compare(oFirst); c != 0 {
		return c
	}
	if k == aBeginning || l == aBeginning { // before what begins so
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

// wider finds the rule that speaks for a code beside others.
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

// last is the last range that begins at n or before, the first one if none does.
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
