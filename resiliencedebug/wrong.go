package resiliencedebug

import (
	"fmt"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/breaker"
)

// A finding is one line of what is wrong, and the section that has the details.
type finding struct {
	Text    string `json:"text"`
	Section string `json:"section"` // the id on the page: breakers, keys, journal, calls or unknown
}

// judge lists what is wrong, the most urgent first: payments in doubt, then what only
// a person can end, then what ends by itself.
func (r *report) judge() {
	r.judgeJournals()
	for i := range r.Calls {
		if c := &r.Calls[i]; c.InDoubt > 0 {
			r.wrong("calls", "%s in doubt (%s), which only this process remembers: look them up before a restart; the log has the IDs",
				count(c.InDoubt, "operation"), c.API)
		}
	}
	for i := range r.Calls {
		if c := &r.Calls[i]; c.NoKey != "" {
			r.wrong("calls", "%s has no key to send with: %s", c.API, c.NoKey)
		}
	}
	r.judgeKeys()
	r.judgeBreakers()
	for i := range r.Calls {
		if c := &r.Calls[i]; c.Budget != nil && c.Budget.Empty {
			r.wrong("calls", "budget of %s empty, no retries: %d of %d tokens, a resend costs %d",
				c.API, c.Budget.Tokens, c.Budget.Capacity, c.Budget.Cost)
		}
	}
	for i := range r.Unknown {
		u := &r.Unknown[i]
		r.note("unknown", "%s of %s without a rule", count(len(u.Codes), "code"), u.API)
	}
	r.Well = len(r.Wrong) == 0
}

func (r *report) wrong(section, format string, args ...any) {
	r.Wrong = append(r.Wrong, finding{fmt.Sprintf(format, args...), section})
}

func (r *report) note(section, format string, args ...any) {
	r.Notes = append(r.Notes, finding{fmt.Sprintf(format, args...), section})
}

func (r *report) judgeJournals() {
	for i := range r.Journals {
		j := &r.Journals[i]
		name := strings.Join(j.APIs, ", ")
		if j.InDoubt > 0 {
			r.wrong("journal", "%s%s in doubt (%s)", atLeast(!j.Complete), count(j.InDoubt, "operation"), name)
		}
		if j.Trouble != "" {
			r.wrong("journal", "the journal of %s: %s; operations in doubt may be missing here, the log has their IDs", name, j.Trouble)
		}
		if j.Failure != "" {
			r.wrong("journal", "the journal of %s failed: %s", name, j.Failure)
		}
	}
}

func atLeast(yes bool) string {
	if yes {
		return "at least "
	}
	return ""
}

func (r *report) judgeKeys() {
	if r.Keys == nil {
		return
	}
	named := min(r.Keys.Locked, mostNamed)
	for i := range r.Keys.Keys[:named] {
		k := &r.Keys.Keys[i]
		why := ""
		if k.Locked.Code != "" {
			why = " by code " + k.Locked.Code
		}
		r.wrong("keys", "key %s locked since %s%s", known(k.Key), stamp(k.Locked.Since), why)
	}
	if more := r.Keys.Locked - named; more > 0 {
		r.wrong("keys", "and %s locked", count(more, "more key"))
	}
	var shared []string
	for i := range r.Keys.Keys {
		if k := &r.Keys.Keys[i]; k.Lane != nil && k.Lane.Foreign > 0 {
			shared = append(shared, known(k.Key))
		}
	}
	if n := len(shared); n > 0 {
		r.note("keys", "somebody else uses %s: %s", count(n, "key"), some(shared[:min(n, mostNamed)], n))
	}
}

func (r *report) judgeBreakers() {
	if r.Breakers == nil {
		return
	}
	for i, state := range troubled {
		tell := r.wrong
		if i >= 3 {
			tell = r.note
		}
		var names []string
		for j := range r.Breakers.Breakers {
			if b := &r.Breakers.Breakers[j]; b.State == state && len(names) < mostNamed {
				names = append(names, known(b.Name))
			}
		}
		if n := r.Breakers.States[state]; n > 0 {
			tell("breakers", "%s %s%s: %s", count(n, "breaker"), state, meaning[state], some(names, n))
		}
	}
}

var meaning = map[string]string{
	isolated: " by a person", breaker.HalfOpen.String(): ", its next calls are probes",
	wouldBe + breaker.Open.String(): ", but is report-only", wouldBe + breaker.HalfOpen.String(): ", but is report-only",
}

// some lists the first names, and says how many more of the n there are.
func some(names []string, n int) string {
	if n <= len(names) {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), n-len(names))
}

func known(name string) string {
	if name == "" {
		return "without a name"
	}
	return name
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
