package retry

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// Stats are what a [Retrier] has counted since it was made, across every [Retrier.Reload].
// The calls that [Recover] makes are among them. Fields may be added.
type Stats struct {
	Calls     int64            // that have ended
	Successes int64            // of them
	Ended     map[string]int64 // how many ended how, by the words of Call.Reason; those that never came are left out
	Sends     int64            // of calls that have ended
	Resends   int64            // of them: all but the first of each call
	Tokens    int              // in the budget now; 0 where it never refuses
	Capacity  int              // of the budget; 0: it never refuses

	// UnknownCodes is how often an answer had a code that no rule of the catalog
	// knew.
	UnknownCodes int64
	// Unknown are the codes themselves, the most frequent first: a table can be
	// completed from them. No more than a hundred different ones are kept, as a server
	// can make up any number: where there are as many, those that have not come for
	// an hour make room. What a later catalog knows is left out.
	Unknown []UnknownCode
}

// An UnknownCode is a code that no rule knew when it came.
type UnknownCode struct {
	Code    classify.Code
	Count   int64
	Status  int       // HTTP status of the first answer that had it, 0 if none
	TraceID string    // of that answer
	First   time.Time // when that was
}

// mostUnknown is how many different codes are kept, and unseen for how long one may
// not come before it makes room. Were the first ones kept for good, a server that
// once made them up would hide all that are really new.
const (
	mostUnknown = 100
	unseen      = time.Hour
)

// unknowns are the codes that nobody knew. It is safe for concurrent use.
type unknowns struct {
	mu    sync.Mutex
	all   int64
	codes map[classify.Code]*unknown
}

type unknown struct {
	UnknownCode
	last time.Time // that it came
}

// saw counts a code and reports whether that is news.
// catalog is that of today: the codes of a full list that it knows make room, too.
func (u *unknowns) saw(catalog *classify.Catalog, code classify.Code, status int, trace string) (first bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all++
	now := time.Now()
	if known := u.codes[code]; known != nil {
		known.Count++
		known.last = now
		return false
	}
	if len(u.codes) == mostUnknown {
		maps.DeleteFunc(u.codes, func(c classify.Code, old *unknown) bool {
			_, known := catalog.Lookup(c)
			return known || now.Sub(old.last) >= unseen
		})
	}
	if len(u.codes) == mostUnknown {
		return false
	}
	if u.codes == nil {
		u.codes = make(map[classify.Code]*unknown)
	}
	u.codes[code] = &unknown{UnknownCode{Code: code, Count: 1, Status: status, TraceID: trace, First: now}, now}
	return true
}

// Stats returns what r has counted.
func (r *Retrier) Stats() Stats {
	if r.tables == nil {
		return Stats{}
	}
	catalog := r.tables.Load().catalog
	u := r.unknown
	u.mu.Lock()
	defer u.mu.Unlock()
	s := Stats{UnknownCodes: u.all, Tokens: r.budget.Tokens(), Capacity: r.budget.Capacity()}
	r.counts.fill(&s)
	for code, seen := range u.codes {
		if catalog != nil {
			if _, known := catalog.Lookup(code); known {
				continue
			}
		}
		s.Unknown = append(s.Unknown, seen.UnknownCode)
	}
	slices.SortFunc(s.Unknown, func(a, b UnknownCode) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.Code.Compare(b.Code))
	})
	return s
}

// notice looks for codes in the error of the last attempt that no rule knows. The
// first sight of one is an event. A classifier that is no catalog has no rules.
//
//go:noinline
func (c *call) notice(ctx context.Context) {
	if c.tables.catalog == nil {
		return
	}
	if isCall(c.err) { // it has been noticed there
		return
	}
	last := c.history.last()
	if answer := answerIn(c.err); answer != nil {
		if len(answer.Details) == 1 && answer.Details[0].Code == last.Verdict.Code && ruled(&last.Verdict) {
			return
		}
		for i := range answer.Details {
			c.noticeCode(ctx, answer.Details[i].Code, last)
		}
		return
	}
	c.noticeCode(ctx, last.Verdict.Code, last)
}

// ruled reports whether a verdict on an answer is named after a rule: after the status
// it is where no rule knew the code. That saves a look at the table, for nearly all.
func ruled(v *classify.Verdict) bool {
	return v.Status != 0 && v.Rule != "" && !strings.HasPrefix(v.Rule, "HTTP ") && !strings.HasPrefix(v.Rule, "invalid HTTP ")
}

//go:noinline
func (c *call) noticeCode(ctx context.Context, code classify.Code, last *Attempt) {
	if code == "" {
		return
	}
	if _, known := c.tables.catalog.Lookup(code); known || !c.r.unknown.saw(c.tables.catalog, code, last.Verdict.Status, last.TraceID) {
		return
	}
	if c.r.onEvent != nil {
		c.tellUnknown(ctx, code)
	}
}

// tellUnknown is apart from noticeCode for the size of an Event, see deliver.
//
//go:noinline
func (c *call) tellUnknown(ctx context.Context, code classify.Code) {
	e, last := c.event(EventUnknownCode), c.history.last()
	e.Verdict, e.TraceID, e.Unknown = last.Verdict, last.TraceID, code
	c.tellObserver(ctx, e)
}
