package policy

import (
	"slices"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/codes"
)

// A Set is a compiled [Table]. Make one with [New], or take [Standard]: the zero Set has no
// policies. It is immutable and safe for concurrent use.
type Set struct {
	table  Table   // all layers together
	layers []Table // the table given to New, then those given to With
	// inherited has the policy of each class for a status without its own policy, and
	// byStatus the same for a status with one.
	inherited byClass
	byStatus  [599 + 1]*byClass
	// byCode has the policies of codes, which still inherit from those.
	byCode codes.Table[Policy]
}

// byClass holds a policy for each class, with nothing left to inherit.
type byClass [classes]Policy

// classes is the number of error classes.
const classes = int(classify.Fatal) + 1

// New compiles a table. Its error lists all mistakes in the table. Later changes to t do
// not affect the Set.
func New(t Table) (*Set, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	return compile(t), nil
}

// With returns a copy of s in which the fields that t sets override those of s. If both
// set a policy for a code, the fields that are zero in t keep their values. The error
// lists all mistakes in the result.
func (s *Set) With(t Table) (*Set, error) {
	over, err := New(s.table.overlay(t))
	if err != nil {
		return nil, err
	}
	over.layers = append(slices.Clip(s.layers), Table{}.overlay(t))
	return over, nil
}

// compile builds the Set of a valid table.
func compile(t Table) *Set {
	t = Table{}.overlay(t) // a copy
	base := base()
	s := &Set{
		table:     t,
		layers:    []Table{t},
		inherited: t.resolve(&base, 0),
	}
	for _, statuses := range []map[int]Policy{base.Statuses, t.Statuses} {
		for status := range statuses {
			p := t.resolve(&base, status)
			s.byStatus[status] = &p
		}
	}
	byCode := make(map[classify.Code]*Policy, len(t.Codes))
	for code, p := range t.Codes {
		byCode[code] = &p
	}
	s.byCode = codes.Make(byCode)
	return s
}

// resolve puts t over base. Everything in t overrides base, even if it is only in the
// Default of t.
func (t *Table) resolve(base *Table, status int) byClass {
	var all byClass
	for c := range all {
		for _, layer := range []*Table{base, t} {
			class, st := layer.Classes[classify.Class(c)], layer.Statuses[status]
			all[c].overlay(&layer.Default)
			all[c].overlay(&class)
			all[c].overlay(&st)
		}
	}
	return all
}

// For returns the policy that applies to a verdict, with nothing left to inherit. Its
// MaxAttempts is 1 for the classes that are never retried, whatever the table says.
func (s *Set) For(v classify.Verdict) Policy {
	var p Policy
	s.fill(&p, &v)
	return p
}

func (s *Set) fill(p *Policy, v *classify.Verdict) {
	class := v.Class
	if int(class) >= classes {
		class = classify.Unclassified
	}
	inherited := &s.inherited
	if uint(v.Status) < uint(len(s.byStatus)) {
		if own := s.byStatus[v.Status]; own != nil {
			inherited = own
		}
	}
	*p = inherited[class]
	if code := s.byCode.Find(string(v.Code)); code != nil {
		p.overlay(code)
	}
	if class == classify.Fatal || class == classify.Unclassified {
		p.MaxAttempts = 1
	}
}

// resent returns, in order, the codes with a policy that may be retried unchanged: all
// except those for which the catalog has another class.
func (t *Table) resent() []classify.Code {
	return slices.DeleteFunc(sortedCodes(t.Codes), func(code classify.Code) bool {
		if t.Catalog == nil {
			return code == ""
		}
		rule, known := t.Catalog.Lookup(code)
		return code == "" || known && rule.Class != classify.Retryable
	})
}

// Codes returns a new sorted slice of the codes that have their own policy.
func (s *Set) Codes() []classify.Code { return sortedCodes(s.table.Codes) }

// Catalog returns the catalog of the table, or nil.
func (s *Set) Catalog() *classify.Catalog { return s.table.Catalog }

// AttemptTimeout returns the limit of one attempt, or zero if there is none.
func (s *Set) AttemptTimeout() time.Duration {
	return max(s.table.AttemptTimeout, 0)
}
