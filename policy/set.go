package policy

import (
	"slices"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/codes"
)

// A Set is a compiled [Table]. It does not change and is safe for concurrent
// use.
type Set struct {
	table  Table   // of all layers
	layers []Table // the one that New was given, and what With has put on top of it
	// inherited holds what each class comes to where the status has no policy
	// of its own, and byStatus the same where it has.
	inherited byClass
	byStatus  [599 + 1]*byClass
	// byCode holds what was set for a code, still to be laid over those.
	byCode codes.Table[Policy]
}

// byClass holds a policy with nothing left to inherit for each class.
type byClass [classes]Policy

// classes is the number of classes of error.
const classes = int(classify.Fatal) + 1

// New compiles a table. The error, if any, tells everything that is wrong with
// it. The table may be changed afterwards without consequence.
func New(t Table) (*Set, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	return compile(t), nil
}

// With returns a copy of s with everything that t sets put on top, field by
// field: a code that both name keeps those fields that t leaves zero. The
// error tells everything that is wrong with the result.
func (s *Set) With(t Table) (*Set, error) {
	over, err := New(s.table.overlay(t))
	if err != nil {
		return nil, err
	}
	over.layers = append(slices.Clip(s.layers), Table{}.overlay(t))
	return over, nil
}

// compile builds the Set of a table that is right.
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

// resolve lays t over base: all that t says comes first, be it only in its
// Default.
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

// For returns the policy that applies to a verdict, everything inherited. Its
// MaxAttempts is 1 for the classes that are never sent again, whatever the
// table says.
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

// resent returns, in order, the codes with a policy of their own that may be sent
// again as they are: all but those of which the catalog knows better.
func (t *Table) resent() []classify.Code {
	return slices.DeleteFunc(sortedCodes(t.Codes), func(code classify.Code) bool {
		if t.Catalog == nil {
			return code == ""
		}
		rule, known := t.Catalog.Lookup(code)
		return code == "" || known && rule.Class != classify.Retryable
	})
}

// Codes returns the codes with a policy of their own, sorted, in a slice of the
// caller's own.
func (s *Set) Codes() []classify.Code { return sortedCodes(s.table.Codes) }

// Catalog returns that of the table, nil if there is none.
func (s *Set) Catalog() *classify.Catalog { return s.table.Catalog }

// AttemptTimeout returns the bound of one send, zero if there is none.
func (s *Set) AttemptTimeout() time.Duration {
	return max(s.table.AttemptTimeout, 0)
}
