package policyfile

import (
	"cmp"
	"reflect"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// budget checks the budget in the file, by itself and against the cost of retries.
func (d *decoder) budget(root *yaml.Node, cfg retry.BudgetConfig, prices *policy.Set) {
	at := child(root, "budget")
	budget, err := retry.NewBudget(cfg)
	d.translate(at, err, budgetWords)
	if err == nil && !d.unknownIn(at, "capacity", reflect.TypeFor[budgetSettings]()) {
		d.translate(cmp.Or(at, root), prices.Affordable(budget.Tokens()), policyWords) // the budget starts full
	}
}

// priced returns policies with only what decides whether a retry can be paid for, so that
// a cost that is too high is found whatever else is wrong with them.
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
			p.MaxAttempts = 0 // or it would be rejected
		}
		prices.Statuses[status] = p
	}
	for code, p := range t.Codes {
		if t.Catalog == nil { // an error elsewhere: it is unknown what is retried
			break
		}
		if rule, known := t.Catalog.Lookup(code); known && rule.Class == classify.Retryable {
			prices.Codes[code] = price(p)
		}
	}
	for _, under := range []*policy.Set{base, policy.Standard()} { // the base may contradict the catalog now
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
