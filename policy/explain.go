package policy

import (
	"fmt"
	"math"
	"strings"
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

// String renders the explanation in a few lines of plain text.
func (e Explanation) String() string {
	var b strings.Builder
	if fmt.Fprintln(&b, e.Title()); !e.Known && e.Status == 0 {
		line(&b, "what happens", "the HTTP status decides, for the breaker too; without one it is not sent again")
		return b.String()
	}
	line(&b, "class", fmt.Sprintf("%v; effect %v", e.Rule.Class, e.Rule.Effect))
	line(&b, "what to do", e.Rule.Fix)
	line(&b, "what happens", e.happens())
	line(&b, "breaker", breakerText(e.Policy.Breaker))
	line(&b, "worst case", e.worstCase())
	line(&b, "source", e.Rule.Source)
	return b.String()
}

// Title is the first line of String: code, name and HTTP status, as far as they are
// known.
func (e Explanation) Title() string {
	title := fmt.Sprintf("%d %s", e.Code, e.Rule.Name)
	switch {
	case !e.Known && e.Code == 0 && e.Status != 0:
		return fmt.Sprintf("HTTP %d", e.Status)
	case !e.Known && e.Status != 0:
		return fmt.Sprintf("%d: no rule knows this code, HTTP %d decides", e.Code, e.Status)
	case !e.Known:
		return fmt.Sprintf("%d: no rule knows this code", e.Code)
	case e.Status != 0:
		title += fmt.Sprintf(", HTTP %d", e.Status)
	}
	return title
}

func line(b *strings.Builder, name, text string) {
	if text != "" {
		fmt.Fprintf(b, "  %-13s %s\n", name, text)
	}
}

func breakerText(m BreakerMode) string {
	switch m {
	case Failure:
		return "counts as a failure"
	case Success:
		return "counts as a sign of life"
	case Trip:
		return "opens at once"
	}
	return "ignores it"
}

func (e *Explanation) happens() string {
	p := &e.Policy
	switch {
	case e.Rule.Lockout:
		return "the call ends, and every further call with this key fails at once until a person unlocks it"
	case p.MaxAttempts == 1 && e.Rule.Class == classify.Retryable:
		return "the call ends; it may succeed later"
	case p.MaxAttempts == 1:
		return "the call ends"
	case e.Rule.Class == classify.Resync:
		return "sent again at once with a newer nonce, at most twice in a call" + e.asked("after as long")
	case e.Rule.Class == classify.FixAndResend:
		return "the call ends, unless the caller gave a Fix: then sent again once, corrected" + e.asked("after as long")
	}
	text := "sent again after " + e.waits() + e.asked("as long")
	if p.Cost > 0 {
		tokens := "tokens"
		if p.Cost == 1 {
			tokens = "token"
		}
		text += fmt.Sprintf("; each costs %d %s of the budget", p.Cost, tokens)
	}
	return text
}

// asked is what becomes of a server's wish.
func (e *Explanation) asked(how string) string {
	text := "; or " + how + " as Retry-After asks"
	if e.Policy.MaxRetryAfter != None {
		text += fmt.Sprintf(", up to %v", e.Policy.MaxRetryAfter)
	}
	return text
}

// waits lists the waits before jitter, up to the first four.
func (e *Explanation) waits() string {
	const shown = 4
	if e.Policy.Backoff.Initial < 0 {
		return "no wait"
	}
	var waits []string
	for n := 1; n <= shown && (e.MaxSends == None || n < e.MaxSends); n++ {
		waits = append(waits, e.Policy.Backoff.Longest(n).String())
	}
	text := strings.Join(waits, ", ")
	if e.MaxSends == None || e.MaxSends > shown+1 {
		b := e.Policy.Backoff
		b.fill()
		text += fmt.Sprintf(" … up to %v", b.Max)
	}
	switch e.Policy.Backoff.Jitter {
	case JitterFull:
		text += " (each drawn from zero to that)"
	case JitterEqual:
		text += " (each drawn from half of that to that)"
	}
	return text
}

func (e *Explanation) worstCase() string {
	sends := fmt.Sprintf("%d sends", e.MaxSends)
	switch e.MaxSends {
	case 1:
		sends = "1 send"
	case None:
		sends = "sends until the time is up"
	}
	switch {
	case e.MaxTime == None || e.MaxTime == math.MaxInt64:
		return sends + ", as long as the context allows"
	case e.AttemptTimeout > 0:
		return fmt.Sprintf("%s, %v", sends, e.MaxTime)
	case e.MaxTime == 0:
		return sends + ", as long as they take: there is no attempt timeout"
	}
	return fmt.Sprintf("%s, %v and the time the sends take: there is no attempt timeout", sends, e.MaxTime)
}
