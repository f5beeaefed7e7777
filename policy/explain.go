package policy

import (
	"math"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// An Explanation describes what an error code means and what the library does about it.
// String returns it as text.
//
// A call that gets several codes sends at most as often as the largest MaxAttempts among
// them, plus two resyncs and five fixes, and starts no attempt after the longest of their
// MaxElapsed.
type Explanation struct {
	Code   classify.Code
	Status int           // HTTP status that came with the code; 0: no particular status
	Known  bool          // whether the catalog has a rule for the code
	Rule   classify.Rule // that rule, or the classification by the status alone
	Policy Policy        // the policy that applies, with nothing left to inherit

	// MaxSends is how often one call may send if it gets only this code; None if only
	// time limits it. The retry budget may end the call earlier.
	MaxSends int
	// MaxTime is how long such a call may last: the waits, including those that a server
	// asks for, and attempts of AttemptTimeout each. It does not include the time spent
	// waiting for turns on the key or in the caller's Fix, nor the attempts if
	// AttemptTimeout is zero. It is None if there is no limit. A sum that overflows
	// becomes the longest duration.
	MaxTime time.Duration
	// AttemptTimeout limits one attempt; zero if there is no limit.
	AttemptTimeout time.Duration
}

// Explain describes what code means and what the library does about it at worst. It
// assumes no particular HTTP status. For a status with its own policy, such as 429, use
// [Set.ExplainVerdict]. If the table has no catalog, or the catalog no rule for the code,
// Explain describes what happens to an unknown code.
func (s *Set) Explain(code classify.Code) Explanation {
	e := Explanation{Code: code, AttemptTimeout: s.AttemptTimeout()}
	if s.table.Catalog != nil {
		e.Rule, e.Known = s.table.Catalog.Lookup(code)
	}
	return s.worst(e)
}

// ExplainVerdict is Explain for a verdict: for a code under the HTTP status that it came
// with, or for a status alone.
func (s *Set) ExplainVerdict(v classify.Verdict) Explanation {
	e := s.Explain(v.Code)
	if !e.Known {
		e.Rule.Name = v.Rule
	}
	e.Status = v.Status
	e.Rule.Class, e.Rule.Effect, e.Rule.Lockout = v.Class, v.Effect, v.Lockout
	return s.worst(e)
}

// worst fills in what follows from code, status and class.
func (s *Set) worst(e Explanation) Explanation {
	e.Policy = s.For(classify.Verdict{Class: e.Rule.Class, Code: e.Code, Status: e.Status})
	e.MaxSends = e.maxSends()
	e.MaxTime = e.maxTime()
	return e
}

func (e *Explanation) maxSends() int {
	switch {
	case e.Policy.MaxAttempts == 1:
		return 1
	case e.Rule.Class == classify.Resync:
		return maxResyncSends
	case e.Rule.Class == classify.FixAndResend:
		return 2
	}
	return e.Policy.MaxAttempts
}

func (e *Explanation) maxTime() time.Duration {
	if e.MaxSends == None {
		return e.capped(None)
	}
	total := saturate(e.AttemptTimeout, e.MaxSends)
	if e.MaxSends > 1 && e.Policy.MaxRetryAfter == None {
		return e.capped(None)
	}
	for n := 1; n < e.MaxSends; n++ {
		wait := e.longestWait(n)
		if n == maxSteps { // all further waits are the same
			return e.capped(sum(total, saturate(wait, e.MaxSends-n)))
		}
		total = sum(total, wait)
	}
	return e.capped(total)
}

// longestWait returns the longest wait before the n-th retry. Only a retryable error has
// a wait of its own, but a server may ask for one in any answer. The call waits as long
// as the server asks, plus up to a tenth, so that callers do not return at the same
// instant.
func (e *Explanation) longestWait(n int) time.Duration {
	named := e.Policy.MaxRetryAfter
	if e.Policy.Backoff.Jitter != JitterNone {
		named = sum(named, named/10)
	}
	if e.Rule.Class != classify.Retryable {
		return named
	}
	return max(e.Policy.Backoff.Longest(n), named)
}

// capped applies MaxElapsed to d: the last attempt begins no later than that. A d of None
// has no limit.
func (e *Explanation) capped(d time.Duration) time.Duration {
	if e.Policy.MaxElapsed == None {
		return d
	}
	longest := sum(e.Policy.MaxElapsed, e.AttemptTimeout)
	if d == None || d > longest {
		return longest
	}
	return d
}

// saturate returns d × n, or the longest duration if that overflows.
func saturate(d time.Duration, n int) time.Duration {
	if d > 0 && time.Duration(n) > math.MaxInt64/d {
		return math.MaxInt64
	}
	return d * time.Duration(n)
}

// sum returns a + b, or the longest duration if that overflows. Neither may be negative.
func sum(a, b time.Duration) time.Duration {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}
