package policy

import (
	"cmp"
	"errors"
	"fmt"

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
	base := base()
	under := base.Default
	under.overlay(&t.Default)
	under.overlay(&class)
	codes := t.resent()
	lifting := false // a code that costs what is beneath it is sent again
	for _, code := range codes {
		own := t.Codes[code]
		lifting = lifting || own.Cost == 0 && own.resends(1)
	}
	statuses := overlayMap(base.Statuses, t.Statuses)
	for status, own := range statuses {
		if t.Default.Cost != 0 || class.Cost != 0 { // which come before what is built in
			own.Cost = t.Statuses[status].Cost
			statuses[status] = own
		}
	}
	paid, lifted := lifting, false // and a status
	for _, own := range statuses {
		lifted = lifted || own.resends(1)
		paid = paid || own.Cost == 0 && own.resends(1)
	}

	told := under.Cost > tokens && (under.resends(1) || paid)
	if told {
		where := "Default"
		if class.Cost != 0 {
			where = "Classes[retryable]"
		}
		report(under.Cost, "%s", where)
	}
	for _, status := range sorted(statuses) {
		own := statuses[status]
		if told && t.Statuses[status].Cost == 0 {
			continue // built in, and out of the way with any other Default
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

// resends reports whether p allows more than one send, over layers that allow so many.
func (p *Policy) resends(under int) bool { return cmp.Or(p.MaxAttempts, under) != 1 }
