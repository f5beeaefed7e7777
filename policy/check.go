package policy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// maxResyncSends is how often one call sends because of rejected nonces: once, and after
// two resyncs. A third rejection means that somebody else uses the key.
const maxResyncSends = 3

// check returns all mistakes in t, in a fixed order.
func (t *Table) check() error {
	var p problems
	if t.AttemptTimeout < None {
		p.add("", "AttemptTimeout %v is negative", t.AttemptTimeout)
	}
	p.policy("Default", t.Default)
	for _, class := range sorted(t.Classes) {
		where := fmt.Sprintf("Classes[%v]", class)
		if int(class) >= classes {
			where = fmt.Sprintf("Classes[%d]", class)
			p.add(where, "no such class")
		}
		p.policy(where, t.Classes[class])
		p.class(where, class, t.Classes[class])
	}
	for _, status := range sorted(t.Statuses) {
		p.status(t, status)
	}
	for _, code := range sortedCodes(t.Codes) {
		p.code(t, code)
	}
	p.endless(t)
	return errors.Join(p.errs...)
}

func sorted[K cmp.Ordered](m map[K]Policy) []K { return slices.Sorted(maps.Keys(m)) }

func sortedCodes(m map[classify.Code]Policy) []classify.Code {
	all := make([]classify.Code, 0, len(m))
	for code := range m {
		all = append(all, code)
	}
	slices.SortFunc(all, classify.Code.Compare)
	return all
}

type problems struct{ errs []error }

func (ps *problems) add(where, format string, args ...any) {
	if where != "" {
		where += ": "
	}
	ps.errs = append(ps.errs, fmt.Errorf("policy: %s%w", where, fmt.Errorf(format, args...)))
}

// policy reports the mistakes in p that do not depend on its place.
func (ps *problems) policy(where string, p Policy) {
	for _, n := range []struct {
		name  string
		value int
	}{{"MaxAttempts", p.MaxAttempts}, {"Cost", p.Cost}} {
		if n.value < None {
			ps.add(where, "%s %d is negative", n.name, n.value)
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"MaxElapsed", p.MaxElapsed}, {"MaxRetryAfter", p.MaxRetryAfter}} {
		if d.value < None {
			ps.add(where, "%s %v is negative", d.name, d.value)
		}
	}
	if p.Breaker > Trip {
		ps.add(where, "Breaker %d is not Failure, Ignored, Success or Trip", p.Breaker)
	}
	for _, text := range p.Backoff.problems() {
		ps.add(where+".Backoff", "%s", text)
	}
}

// problems returns the mistakes in b.
func (b Backoff) problems() (texts []string) {
	add := func(format string, args ...any) { texts = append(texts, fmt.Sprintf(format, args...)) }
	if b.Initial < None {
		add("Initial %v is negative", b.Initial)
	}
	if b.Max < 0 {
		add("Max %v is negative", b.Max)
	}
	if m := b.Multiplier; m != 0 && !(m >= 1) || math.IsInf(m, 0) {
		add("Multiplier %v is not a finite number of at least 1", m)
	}
	if b.Jitter > JitterNone {
		add("Jitter %d is not JitterFull, JitterEqual or JitterNone", b.Jitter)
	}
	filled := b
	filled.fill()
	if b.Max > 0 && filled.Initial > b.Max {
		add("Max %v is below Initial %v", b.Max, filled.Initial)
	}
	return texts
}

// status reports the mistakes in the policy of an HTTP status.
func (ps *problems) status(t *Table, status int) {
	where := fmt.Sprintf("Statuses[%d]", status)
	ps.policy(where, t.Statuses[status])
	if !isStatus(status) {
		ps.add(where, "not an HTTP status")
		return
	}
	class := t.classOf(status)
	ps.class(fmt.Sprintf("%s (%v unless a code says otherwise)", where, class), class, t.Statuses[status])
}

// classOf returns the class of an answer with only a status. Without a catalog the class
// is unknown, and may be retryable.
func (t *Table) classOf(status int) classify.Class {
	if t.Catalog == nil {
		return classify.Retryable
	}
	return t.Catalog.Classify(&classify.Error{Status: status}).Class
}

func isStatus(status int) bool { return status >= 100 && status <= 599 }

// code reports the mistakes in the policy of an error code.
func (ps *problems) code(t *Table, code classify.Code) {
	where := fmt.Sprintf("Codes[%s]", code.Text())
	ps.policy(where, t.Codes[code])
	if code == "" {
		ps.add(where, `"" stands for "no code"; use Statuses or Classes`)
		return
	}
	if !code.Valid() {
		ps.add(where, "invalid code: a code has at most 128 bytes, all printable")
		return
	}
	if t.Catalog == nil {
		return
	}
	rule, ok := t.Catalog.Lookup(code)
	if !ok {
		ps.add(where, "catalog %q has no rule for this code", t.Catalog.Name())
		return
	}
	ps.class(fmt.Sprintf("%s (%s)", where, rule.Name), rule.Class, t.Codes[code])
}

// class reports where p contradicts the meaning of its class.
func (ps *problems) class(where string, c classify.Class, p Policy) {
	if p.MaxAttempts == 0 || p.MaxAttempts == 1 {
		return
	}
	switch c {
	case classify.Fatal:
		ps.add(where, "MaxAttempts %d: a fatal error is not retryable", p.MaxAttempts)
	case classify.Unclassified:
		ps.add(where, "MaxAttempts %d: an unclassified error is not retryable; give its code a rule", p.MaxAttempts)
	case classify.Resync:
		ps.add(where, "MaxAttempts %d: a call is resynced at most twice, regardless of MaxAttempts; 1 disables it", p.MaxAttempts)
	case classify.FixAndResend:
		ps.add(where, "MaxAttempts %d: a code is fixed at most once in a call, regardless of MaxAttempts; 1 disables it", p.MaxAttempts)
	}
}
