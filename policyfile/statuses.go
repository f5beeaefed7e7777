package policyfile

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// byStatus expands ranges into policies of single statuses. A single status wins over a
// range that includes it, field by field.
func (d *decoder) byStatus(written map[statuses]settings) map[int]policy.Policy {
	d.statusOverlaps(written)
	all := map[int]settings{}
	for span, s := range written {
		if span.first == span.last {
			all[int(span.first)] = s
		}
	}
	for span, s := range written {
		if span.first != span.last {
			d.spread(span, s, all)
		}
	}
	policies := make(map[int]policy.Policy, len(all))
	for status, s := range all {
		policies[status] = s.policy()
	}
	return policies
}

// spread puts the settings of a range beneath those of its statuses.
func (d *decoder) spread(span statuses, s settings, all map[int]settings) {
	where := d.places[placeOfStatus(span)]
	again := s.Attempts > 1 || s.Attempts == policy.None
	some := false
	for status := int(span.first); status <= int(span.last); status++ {
		under := s
		if again && !resent(status) {
			under.Attempts = 0 // a range may include 501, which is never retryable
		}
		some = some || resent(status)
		single, ok := all[status]
		if !ok {
			d.places[fmt.Sprintf("Statuses[%d]", status)] = where
			d.spans[fmt.Sprint(status)] = span.String()
		}
		all[status] = single.over(under)
	}
	if again && !some {
		d.wrong(where, "statuses[%v]: attempts: none of these statuses is retryable by itself", span)
	}
}

// ruleless classifies by the status only.
var ruleless, _ = classify.NewCatalog("HTTP")

// resent reports whether an answer with this status and no code may be retried.
func resent(status int) bool {
	return ruleless.Classify(&classify.Error{Status: status}).Class == classify.Retryable
}

// over puts s over under.
func (s settings) over(under settings) settings {
	return settings{
		Attempts: cmp.Or(s.Attempts, under.Attempts), Backoff: cmp.Or(s.Backoff, under.Backoff), Elapsed: cmp.Or(s.Elapsed, under.Elapsed),
		MaxRetryAfter: cmp.Or(s.MaxRetryAfter, under.MaxRetryAfter), Cost: cmp.Or(s.Cost, under.Cost), Breaker: cmp.Or(s.Breaker, under.Breaker),
	}
}

// statusOverlaps reports ranges that overlap.
func (d *decoder) statusOverlaps(written map[statuses]settings) {
	spans := slices.SortedFunc(maps.Keys(written), func(a, b statuses) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last)) })
	spans = slices.DeleteFunc(spans, func(s statuses) bool { return s.first == s.last })
	for i := 1; i < len(spans); i++ {
		before, span := spans[i-1], spans[i]
		if span.first <= before.last {
			d.wrong(d.places[placeOfStatus(span)], "the range %v overlaps the range %v in line %d", span, before, d.places[placeOfStatus(before)].Line)
		}
		if span.last < before.last {
			spans[i] = before // it reaches further
		}
	}
}

func placeOfStatus(s statuses) string { return fmt.Sprintf("Statuses[%v]", s) }

// statusNamed matches a status as errors of other packages name it.
var statusNamed = regexp.MustCompile(`Statuses\[([0-9]+)`)

// spanned replaces a status that only a range sets with that range.
func (d *decoder) spanned(text string) string {
	m := statusNamed.FindStringSubmatchIndex(text)
	if m == nil || d.spans[text[m[2]:m[3]]] == "" {
		return text
	}
	return text[:m[2]] + d.spans[text[m[2]:m[3]]] + text[m[3]:]
}

// The codes that look like an HTTP status of an error.
const firstStatus, lastStatus = 300, 599

// judges reports whether the table is for answers that are classified by their status if
// they have no code. A table that extends http, or none, may be for a client whose codes
// are the statuses.
func (doc *document) judges(base *policy.Set) bool {
	if base == nil {
		return len(doc.Statuses) > 0
	}
	_, codes := base.Catalog().Lookup("503")
	return !codes || len(doc.Statuses) > 0
}

// inert reports whether the rule is probably intended for answers to which it does not
// apply.
func (r *rule) inert() bool {
	first, last, ok := r.Code.numbers()
	return ok && !r.Sure && first >= firstStatus && last <= lastStatus
}

// span returns the code as a status.
func (c codes) span() statuses {
	first, last, _ := c.numbers()
	return statuses{status(first), status(last)}
}
