package retry

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// Stats are the counters of a [Retrier] since it was made, across every [Retrier.Reload].
// They include the calls of [Recover]. Fields may be added.
type Stats struct {
	Calls     int64            // calls that have ended
	Successes int64            // calls that succeeded
	Ended     map[string]int64 // number of calls by Call.Reason, without the reasons that never occurred
	Sends     int64            // of calls that have ended
	Resends   int64            // all sends but the first of each call
	Tokens    int              // in the budget now; 0 if it never refuses
	Capacity  int              // of the budget; 0 if it never refuses

	// InDoubt is how many operations the Retrier left in doubt and remembers in memory,
	// because it has no Journal: a restart forgets them. With a Journal it is 0.
	InDoubt int
	// JournalError is why the last read or write of the Journal failed, in a text that is
	// safe to log. After a failed write only a write that succeeds clears it. Empty: none
	// failed.
	JournalError string

	// UnknownCodes is how many answers had a code without a rule in the catalog.
	UnknownCodes int64
	// Unknown lists these codes, the most frequent first, so that a table can be completed.
	// At most a hundred different codes are kept, because a server can send any number. If
	// there are more, a new code replaces codes that have not occurred for an hour. Codes
	// that a later catalog knows are left out.
	Unknown []UnknownCode
}

// An UnknownCode is a code that had no rule when it occurred.
type UnknownCode struct {
	Code    classify.Code
	Count   int64
	Status  int       // HTTP status of the first answer that had the code, 0 if none
	TraceID string    // of that answer
	First   time.Time // time of that answer
}

// mostUnknown is how many different codes are kept. A code that has not occurred for
// unseen may be replaced. If the first codes were kept for good, a server that once
// made up codes would hide all new ones.
const (
	mostUnknown = 100
	unseen      = time.Hour
)

// unknowns are the codes without a rule. It is safe for concurrent use.
type unknowns struct {
	unmatched [100]atomic.Bool // by status, from 400: an answer that the Shape does not match was reported

	mu    sync.Mutex
	all   int64
	codes map[classify.Code]*unknown
}

type unknown struct {
	UnknownCode
	last time.Time // that it came
}

// saw counts a code and reports whether it is new. If the list is full, it drops codes that
// catalog, the current one, knows.
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

// Stats returns the counters of r.
func (r *Retrier) Stats() Stats {
	if r.tables == nil {
		return Stats{}
	}
	catalog := r.tables.Load().catalog
	u := r.unknown
	u.mu.Lock()
	defer u.mu.Unlock()
	s := Stats{UnknownCodes: u.all, Tokens: r.budget.Tokens(), Capacity: r.budget.Capacity(), InDoubt: r.doubts.len()}
	if trouble := r.trouble.Load(); trouble != nil {
		s.JournalError = trouble.text
	}
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

// notice looks for codes without a rule in the error of the last attempt. The first
// occurrence of a code is an event, and so is the first answer of each 4xx that the Shape
// does not match: without codes every decline is judged by its status alone. A classifier
// that is not a catalog has no rules.
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
		if answer.Unmatched() && answer.Status/100 == 4 && c.r.onEvent != nil && c.r.unknown.unmatched[answer.Status-400].CompareAndSwap(false, true) {
			c.tellUnmatched(ctx, answer.Status)
		}
		return
	}
	c.noticeCode(ctx, last.Verdict.Code, last)
}

// ruled reports whether a verdict on an answer has the name of a rule. If no rule matches
// the code, it has the name of the status. This saves most lookups in the table.
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

// tellUnknown is separate from noticeCode because of the size of an Event, see deliver.
//
//go:noinline
func (c *call) tellUnknown(ctx context.Context, code classify.Code) {
	e, last := c.event(EventUnknownCode), c.history.last()
	e.Verdict, e.TraceID, e.Unknown = last.Verdict, last.TraceID, code
	c.tellObserver(ctx, e)
}

// tellUnmatched is separate for the same reason.
//
//go:noinline
func (c *call) tellUnmatched(ctx context.Context, status int) {
	e := c.event(EventWarning)
	e.TraceID = c.history.last().TraceID
	e.Error = "HTTP " + strconv.Itoa(status) + " came with a body in which the catalog's Shape finds neither code nor message: " +
		"check the address and whether a gateway answered; if it was the API, set its Shape (Catalog.WithShape; in a file, answer:) and read with that catalog's ReadJSON"
	c.tellObserver(ctx, e)
}
