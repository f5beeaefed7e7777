package policy

import (
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// A Set is a compiled [Table]. It does not change and is safe for concurrent
// use.
type Set struct {
	table Table
	// inherited holds what each class comes to where the status has no policy
	// of its own, and byStatus the same where it has.
	inherited byClass
	byStatus  map[int]*byClass
	// byCode holds what was set for a code, still to be laid over those.
	byCode map[classify.Code]*Policy
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
	return New(s.table.overlay(t))
}

// compile builds the Set of a table without checking it.
func compile(t Table) *Set {
	t = Table{}.overlay(t) // a copy
	base := base()
	s := &Set{
		table:     t,
		inherited: t.resolve(&base, 0),
		byStatus:  make(map[int]*byClass),
		byCode:    make(map[classify.Code]*Policy, len(t.Codes)),
	}
	for _, statuses := range []map[int]Policy{base.Statuses, t.Statuses} {
		for status := range statuses {
			p := t.resolve(&base, status)
			s.byStatus[status] = &p
		}
	}
	for code, p := range t.Codes {
		s.byCode[code] = &p
	}
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
	if own := s.byStatus[v.Status]; own != nil {
		inherited = own
	}
	*p = inherited[class]
	if code := s.byCode[v.Code]; code != nil {
		p.overlay(code)
	}
	if class == classify.Fatal || class == classify.Unclassified {
		p.MaxAttempts = 1
	}
}

// Catalog returns that of the table, nil if there is none.
func (s *Set) Catalog() *classify.Catalog { return s.table.Catalog }

// AttemptTimeout returns the bound of one send, zero if there is none.
func (s *Set) AttemptTimeout() time.Duration {
	return max(s.table.AttemptTimeout, 0)
}

// MaxCost returns the most tokens that any one resend costs. A budget that holds
// fewer can never pay for it.
func (s *Set) MaxCost() int {
	most := s.dearest(0)
	for code := range s.byCode {
		if s.retries(code) {
			most = max(most, s.dearest(code))
		}
	}
	return most
}

// retries reports whether a code can be retryable. Without a catalog any can.
func (s *Set) retries(code classify.Code) bool {
	if s.table.Catalog == nil {
		return true
	}
	rule, ok := s.table.Catalog.Lookup(code)
	return !ok || rule.Class == classify.Retryable
}

// dearest is the most that a resend after a code costs, whatever the status.
func (s *Set) dearest(code classify.Code) int {
	most := s.costs(classify.Verdict{Class: classify.Retryable, Code: code})
	for status := range s.byStatus {
		most = max(most, s.costs(classify.Verdict{Class: classify.Retryable, Code: code, Status: status}))
	}
	return most
}

// costs is what a resend after v costs, 0 if there is none or it is free.
func (s *Set) costs(v classify.Verdict) int {
	p := s.For(v)
	if p.MaxAttempts == 1 {
		return 0
	}
	return max(p.Cost, 0)
}
