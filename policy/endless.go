package policy

import (
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// minPace is the least that the waits of a call without a bound on its sends
// must grow to. Below it, and above all without any wait, the call would be a
// hot loop against a failing server for as long as MaxElapsed lasts; the budget
// does not stop one whose resends are free.
const minPace = time.Millisecond

// mostEndless is how many combinations without an end are told one by one: a slip
// in Default makes as many as there are codes times statuses.
const mostEndless = 1000

// endless reports combinations of code, status and class that would resend
// without any end, or without any wait until the end. What decides is looked at
// once for all codes that set it alike.
func (ps *problems) endless(t *Table) {
	s, statuses := compile(*t), append([]int{0}, sorted(t.Statuses)...)
	longEnough := map[Backoff]bool{}
	paced := func(b Backoff) bool {
		if _, ok := longEnough[b]; !ok {
			longEnough[b] = b.Longest(maxSteps) >= minPace
		}
		return longEnough[b]
	}
	alike, count, told := map[Policy][]string{}, 0, problems{}
	for _, code := range s.resent() {
		own := t.Codes[code]
		own = Policy{MaxAttempts: own.MaxAttempts, MaxElapsed: own.MaxElapsed, Backoff: own.Backoff}
		reasons, ok := alike[own]
		if !ok {
			reasons = s.endlessUnder(code, statuses, paced)
			alike[own] = reasons
		}
		for i, reason := range reasons {
			if reason == "" {
				continue
			}
			if count++; count <= mostEndless {
				told.add(combination(code, statuses[i]), "%s", reason)
			}
		}
	}
	if more := count - mostEndless; more > 0 { // first, because who shows errors may cut the list too
		ps.add("", "%d combinations of code and HTTP status beside those named have no end, or no wait", more)
	}
	ps.errs = append(ps.errs, told.errs...)
}

// endlessUnder tells for each status why a call that gets nothing but the code
// would go on; nil if it ends under all of them.
func (s *Set) endlessUnder(code classify.Code, statuses []int, paced func(Backoff) bool) (reasons []string) {
	for i, status := range statuses {
		p := s.For(classify.Verdict{Class: classify.Retryable, Code: code, Status: status})
		reason := ""
		switch {
		case p.MaxAttempts != None:
			continue
		case p.MaxElapsed == None:
			reason = "neither MaxAttempts nor MaxElapsed has a limit: a call would go on without end"
		case !paced(p.Backoff):
			reason = fmt.Sprintf("MaxAttempts has no limit, and no wait is as long as %v: a call would send as fast as it can", minPace)
		default:
			continue
		}
		if reasons == nil {
			reasons = make([]string, len(statuses))
		}
		reasons[i] = reason
	}
	return reasons
}

func combination(code classify.Code, status int) string {
	where := "Default and Classes[retryable]"
	if code != 0 {
		where = fmt.Sprintf("Codes[%d]", code)
	}
	if status != 0 {
		where += fmt.Sprintf(" under HTTP status %d", status)
	}
	return where
}
