package policyfile

import (
	"cmp"
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// budget checks that of the file, by itself and against what resends cost.
func (d *decoder) budget(root *yaml.Node, cfg retry.BudgetConfig, prices *policy.Set) {
	at := child(root, "budget")
	budget, err := retry.NewBudget(cfg)
	d.translate(at, err, budgetWords)
	if err == nil && !d.unknownIn(at, "capacity", reflect.TypeFor[budgetSettings]()) {
		d.translate(cmp.Or(at, root), prices.Affordable(budget.Tokens()), policyWords) // it is full
	}
}

// priced has of the policies only what tells whether a resend can be paid for: what
// cannot is found whatever else is wrong with them.
func priced(t policy.Table, base *policy.Set) *policy.Set {
	if base == nil {
		base = policy.Standard()
	}
	prices := policy.Table{
		Catalog: t.Catalog, Default: price(t.Default),
		Classes:  map[classify.Class]policy.Policy{classify.Retryable: price(t.Classes[classify.Retryable])},
		Statuses: map[int]policy.Policy{}, Codes: map[classify.Code]policy.Policy{},
	}
	for status, p := range t.Statuses {
		if p = price(p); !resent(status) {
			p.MaxAttempts = 0 // or refused
		}
		prices.Statuses[status] = p
	}
	for code, p := range t.Codes {
		if t.Catalog == nil { // wrong as well: nobody knows what is sent again
			break
		}
		if rule, known := t.Catalog.Lookup(code); known && rule.Class == classify.Retryable {
			prices.Codes[code] = price(p)
		}
	}
	for _, under := range []*policy.Set{base, policy.Standard()} { // the base may hold what the catalog contradicts now
		if set, err := under.With(prices); err == nil {
			return set
		}
	}
	return policy.Standard()
}

func price(p policy.Policy) policy.Policy {
	sends := p.MaxAttempts
	if sends != 0 && sends != 1 {
		sends = 2
	}
	return policy.Policy{MaxAttempts: sends, Cost: p.Cost}
}

// scarce notes where the resends of one call together cost more than a full budget
// holds. That is no mistake: other calls put tokens back. But who writes 20 attempts
// may not expect 11.
func (d *decoder) scarce(doc *document, f *File) {
	budget, err := retry.NewBudget(f.Budget)
	if err != nil {
		return
	}
	tokens, told := budget.Tokens(), map[Problem]bool{}
	note := func(where string, own settings, v classify.Verdict) {
		v.Class = classify.Retryable
		p := f.Policies.For(v)
		if own.Attempts == 0 && own.Cost == 0 || p.Cost < 1 || p.MaxAttempts-1 <= tokens/p.Cost {
			return
		}
		n := Problem{Text: fmt.Sprintf("%s: %d attempts at %d tokens a resend: a full budget of %d pays for %d sends, and for more only if other calls succeed meanwhile",
			lowerFirst(d.spanned(where)), p.MaxAttempts, p.Cost, tokens, 1+tokens/p.Cost)}
		if at := d.places[where]; at != nil {
			n.Line, n.Column = at.Line, at.Column
		}
		if !told[n] {
			told[n] = true
			f.Notes = append(f.Notes, n)
		}
	}
	note("Default", doc.Default, classify.Verdict{})
	note("Classes[retryable]", doc.Classes[classify.Retryable], classify.Verdict{})
	for span, own := range doc.Statuses {
		for status := span.first; status <= span.last; status++ {
			if resent(int(status)) {
				note(fmt.Sprintf("Statuses[%d]", status), own, classify.Verdict{Status: int(status)})
			}
		}
	}
	for code, own := range doc.Codes {
		if rule, _ := f.Policies.Catalog().Lookup(code); rule.Class == classify.Retryable {
			note(placeOfCode(code), own, classify.Verdict{Code: code})
		}
	}
}
