package policy

import (
	"math"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// An Explanation tells what an error code means and what is done about it.
// String renders it for people.
//
// A call that gets several codes sends no more often than the largest MaxAttempts
// among them, two resyncs and five fixes come to, and no later than the longest of
// their MaxElapsed.
type Explanation struct {
	Code   classify.Code
	Status int           // HTTP status that it came with, 0: none in particular
	Known  bool          // whether a rule of the catalog knows the code
	Rule   classify.Rule // that rule, or what the status alone says
	Policy Policy        // what applies, everything inherited

	// MaxSends is how often one call may send if it gets nothing but this
	// code, None if only time bounds it. A retry budget may end it before.
	MaxSends int
	// MaxTime bounds how long such a call lasts: waits, those that a server asks
	// for too, and attempts as long as AttemptTimeout. Where that is zero, the
	// attempts' own time is to be added, and everywhere the time spent waiting
	// for turns on the key and in the caller's Fix. None if nothing bounds it;
	// no sum runs over, the longest duration stands for all above it.
	MaxTime time.Duration
	// AttemptTimeout bounds one send, zero if nothing does.
	AttemptTimeout time.Duration
}

// Explain tells what code means and what is done about it, at worst. It assumes
// no particular HTTP status: under one with a policy of its own, such as 429, that
// applies, see [Set.ExplainVerdict]. Without a catalog in the table, or a rule in the catalog,
// it tells what happens to a code that nobody knows.
func (s *Set) Explain(code classify.Code) Explanation {
	e := Explanation{Code: code, AttemptTimeout: s.AttemptTimeout()}
	if s.table.Catalog != nil {
		e.Rule, e.Known = s.table.Catalog.Lookup(code)
	}
	return s.worst(e)
}

// ExplainVerdict is Explain for what became of an answer, such as the Verdict of an
// error: of a code under the HTTP status that it came with, or of a status alone.
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
		if n == maxSteps { // from here on they are all as long
			return e.capped(sum(total, saturate(wait, e.MaxSends-n)))
		}
		total = sum(total, wait)
	}
	return e.capped(total)
}

// longestWait is the longest before the n-th resend. Only a retryable error asks for
// one by itself; a server may do so whatever its answer. What it names is waited
// for, and up to a tenth more, so that not all come back in one instant.
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

// capped applies MaxElapsed to d: the last send begins no later than that. A d of None is without end.
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

// saturate is d × n, or the longest duration where that runs over.
func saturate(d time.Duration, n int) time.Duration {
	if d > 0 && time.Duration(n) > math.MaxInt64/d {
		return math.MaxInt64
	}
	return d * time.Duration(n)
}

// sum is a + b, neither of them negative, or the longest duration where that
// runs over.
func sum(a, b time.Duration) time.Duration {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}
