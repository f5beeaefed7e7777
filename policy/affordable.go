package policy

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/nexpay-go/resilience/classify"
)

// Affordable returns an error if one retry costs more than a retry budget of this many
// tokens can hold. Such a retry would never be sent, whatever MaxAttempts allows. The
// error lists every place that sets such a Cost; nil means that there is none. retry.New
// and Retrier.Reload check their budget with it.
//
// Affordable does not report a call whose retries together cost more than the budget
// holds, because other calls may put tokens back.
func (s *Set) Affordable(tokens int) error {
	held := fmt.Sprintf("%d tokens", tokens)
	if tokens == 1 {
		held = "1 token"
	}
	var ps problems
	report := func(cost int, format string, args ...any) {
		ps.add(fmt.Sprintf(format, args...), "Cost %d is more than the %s that the budget holds: no retry could ever be sent", cost, held)
	}
	t := &s.table
	class := t.Classes[classify.Retryable]
	base := base()
	under := base.Default
	under.overlay(&t.Default)
	under.overlay(&class)
	codes := t.resent()
	lifting := false // a code that inherits its cost is retried
	for _, code := range codes {
		own := t.Codes[code]
		lifting = lifting || own.Cost == 0 && own.resends(1)
	}
	statuses := overlayMap(base.Statuses, t.Statuses)
	for status, own := range statuses {
		if t.Default.Cost != 0 || class.Cost != 0 { // these override what is built in
			own.Cost = t.Statuses[status].Cost
			statuses[status] = own
		}
	}
	paid, lifted := lifting, false // likewise for a status
	for _, own := range statuses {
		lifted = lifted || own.resends(1)
		paid = paid || own.Cost == 0 && own.resends(1)
	}

	reported := under.Cost > tokens && (under.resends(1) || paid)
	if reported {
		where := "Default"
		if class.Cost != 0 {
			where = "Classes[retryable]"
		}
		report(under.Cost, "%s", where)
	}
	for _, status := range sorted(statuses) {
		own := statuses[status]
		if reported && t.Statuses[status].Cost == 0 {
			continue // built in, and overridden by any other Default
		}
		if own.Cost > tokens && (own.resends(under.MaxAttempts) || lifting) {
			report(own.Cost, "Statuses[%d]", status)
		}
	}
	for _, code := range codes {
		if own := t.Codes[code]; own.Cost > tokens && (own.resends(under.MaxAttempts) || own.MaxAttempts == 0 && lifted) {
			report(own.Cost, "Codes[%s]", code.Text())
		}
	}
	return errors.Join(ps.errs...)
}

// resends reports whether p allows more than one attempt, if the layers beneath it allow
// under.
func (p *Policy) resends(under int) bool { return cmp.Or(p.MaxAttempts, under) != 1 }
