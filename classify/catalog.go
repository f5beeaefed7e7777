package classify

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/nexpay-go/resilience/internal/codes"
)

// A Catalog knows what the codes of one API mean. It never changes once made and
// is safe for concurrent use. Make one with [NewCatalog], or derive one from
// another using [Catalog.With].
type Catalog struct {
	name    string
	singles []span // what the rules say, in two layers: …
	ranges  []span // … single codes lie over ranges

	index  codes.Table[Rule] // of singles
	firsts []Code            // ranges[i].first, close together because that is what a search reads
}

// NewCatalog makes a catalog of rules, in any order. A rule for a single code wins
// over a range around it.
//
// It reports everything that is wrong in one error: no catalog name, a rule without
// name or class, an invalid class or effect, a reversed range, a lockout that is
// not [Fatal], a rule for code 0, two ranges that overlap, two rules for one code.
func NewCatalog(name string, rules ...Rule) (*Catalog, error) {
	var unnamed error
	if name == "" {
		unnamed = errors.New("catalog has no name")
	}
	c, err := (&Catalog{name: name}).With(rules...)
	if err := errors.Join(unnamed, err); err != nil {
		return nil, err
	}
	return c, nil
}

// With returns a copy of the catalog that follows these rules too. Single codes win
// over ranges, whichever came first; otherwise these rules win over those the
// catalog had. Among themselves they must not overlap, and errors are as for
// [NewCatalog].
//
// To use the copy with policies made for the original, put it into those: see the
// Catalog field of policy.Table.
func (c *Catalog) With(rules ...Rule) (*Catalog, error) {
	singles, ranges, err := compile(rules)
	if err != nil {
		return nil, fmt.Errorf("catalog %q: %w", c.name, err)
	}
	n := &Catalog{
		name:    c.name,
		singles: overlay(c.singles, singles),
		ranges:  overlay(c.ranges, ranges),
	}
	n.index = codes.Make(len(n.singles), func(i int) (int, *Rule) { return int(n.singles[i].first), n.singles[i].rule })
	n.firsts = make([]Code, len(n.ranges))
	for i, s := range n.ranges {
		n.firsts[i] = s.first
	}
	return n, nil
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

// Rules returns the rules that speak for at least one code, sorted by First, in a
// slice of the caller's own.
func (c *Catalog) Rules() []Rule {
	spans := overlay(c.ranges, c.singles)
	seen := make(map[*Rule]bool, len(spans))
	rules := make([]Rule, 0, len(spans))
	for _, s := range spans {
		if !seen[s.rule] { // a range around a single code has two spans
			seen[s.rule] = true
			rules = append(rules, *s.rule)
		}
	}
	slices.SortStableFunc(rules, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(b.last(), a.last()))
	})
	return rules
}

// find is Lookup without the copy.
func (c *Catalog) find(code Code) *Rule {
	if rule := c.index.Find(int(code)); rule != nil {
		return rule
	}
	base := 0
	for n := len(c.firsts); n > 1; {
		half := n / 2
		if c.firsts[base+half] <= code {
			base += half
		}
		n -= half
	}
	if base < len(c.ranges) {
		if s := &c.ranges[base]; s.first <= code && code <= s.last {
			return s.rule
		}
	}
	return nil
}
