package policy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"

	"github.com/nexpay-go/resilience/classify"
)

// Affordable reports where a resend costs more than a retry budget of that many
// tokens can ever hold: it would never be sent, however quiet the times, whatever
// MaxAttempts promises. The error tells every place that sets such a Cost; nil
// means that there is none. retry.New and Retrier.Reload ask this of their budget.
//
// A call whose resends together cost more than the budget holds is not reported:
// what other calls put back may pay for it.
func (s *Set) Affordable(tokens int) error {
	held := fmt.Sprintf("%d tokens", tokens)
	if tokens == 1 {
		held = "1 token"
	}
	var ps problems
	report := func(cost int, format string, args ...any) {
		ps.add(fmt.Sprintf(format, args...), "Cost %d is more than the %s that the budget holds: no resend could ever be paid for", cost, held)
	}
	t := &s.table
	class := t.Classes[classify.Retryable]
	under := base().Default
	under.overlay(&t.Default)
	under.overlay(&class)
	codes, statuses := t.resent(), t.priced()
	lifting := false // a code that costs what is beneath it is sent again
	for _, code := range codes {
		own := t.Codes[code]
		lifting = lifting || own.Cost == 0 && own.resends(1)
	}
	paid, lifted := lifting, false // and a status
	for _, own := range statuses {
		lifted = lifted || own.resends(1)
		paid = paid || own.Cost == 0 && own.resends(1)
	}

	if under.Cost > tokens && (under.resends(1) || paid) {
		where := "Default"
		if class.Cost != 0 {
			where = "Classes[retryable]"
		}
		report(under.Cost, "%s", where)
	}
	for _, status := range sorted(statuses) {
		if own := statuses[status]; own.Cost > tokens && (own.resends(under.MaxAttempts) || lifting) {
			report(own.Cost, "Statuses[%d]", status)
		}
	}
	for _, code := range codes {
		if own := t.Codes[code]; own.Cost > tokens && (own.resends(under.MaxAttempts) || own.MaxAttempts == 0 && lifted) {
			report(own.Cost, "Codes[%d]", code)
		}
	}
	return errors.Join(ps.errs...)
}

// priced returns the policies of statuses with what [Standard] charges under some:
// that holds where nothing in the table sets a Cost, be it for all.
func (t *Table) priced() map[int]Policy {
	all := maps.Clone(t.Statuses)
	if t.Default.Cost != 0 || t.Classes[classify.Retryable].Cost != 0 {
		return all
	}
	if all == nil {
		all = make(map[int]Policy)
	}
	for status, standard := range base().Statuses {
		p := all[status]
		p.Cost = cmp.Or(p.Cost, standard.Cost)
		all[status] = p
	}
	return all
}

// resends reports whether p allows more than one send, over layers that allow so many.
func (p *Policy) resends(under int) bool { return cmp.Or(p.MaxAttempts, under) != 1 }
