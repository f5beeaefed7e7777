package policy

import "time"

// None means "none" or "no limit" in a numeric field of a [Policy] where zero would
// inherit: no limit for MaxAttempts, MaxElapsed and MaxRetryAfter, and no cost for Cost.
// For Backoff.Initial it means no wait.
const None = -1

// A Policy says what happens when a call gets an error to which it applies. A zero field
// inherits; see [Table].
type Policy struct {
	// MaxAttempts limits the attempts of one call, the first included: 1 means no retry.
	// Resyncs and fixes are not counted, because they have limits of their own. For codes
	// and classes that lead to them the only value allowed is 1, which disables them.
	// None means no limit but MaxElapsed; it requires a limit there and a wait between
	// attempts.
	MaxAttempts int

	// Backoff is the wait between attempts. It is inherited as a whole: a Backoff with
	// any field set inherits nothing.
	Backoff Backoff

	// MaxElapsed limits how long after the start of a call another attempt may begin. It
	// applies to retries, resyncs and fixes: a wait that would end later is not begun,
	// and a fix is not requested later. It does not interrupt an attempt, a Fix or a wait
	// for a turn on the key; use a context with a deadline for that. It does not apply to
	// the lookups of retry.DoOnce. None: no limit.
	MaxElapsed time.Duration

	// MaxRetryAfter is the longest wait that a server may ask for. If a server asks for
	// more, the call ends; the wait is never shortened. The call waits as long as the
	// server asks, plus up to a tenth unless the jitter is JitterNone, before a resync or
	// a fix too. None: no limit but MaxElapsed and the context.
	MaxRetryAfter time.Duration

	// Cost is how many tokens a retry takes from the retry budget. It must not exceed the
	// budget's capacity; see [Set.Affordable]. If all retries of a call together cost
	// more than the budget holds, MaxAttempts is reached only if other calls succeed
	// meanwhile and put tokens back. None: a retry is free.
	Cost int

	// Breaker is what the error means to the circuit breaker.
	Breaker BreakerMode
}

// A BreakerMode is what an error means to the circuit breaker. The zero value inherits.
type BreakerMode uint8

const (
	// Failure counts towards opening the breaker.
	Failure BreakerMode = iota + 1
	// Ignored counts as neither failure nor success.
	Ignored
	// Success counts as a success: the server answered, so it is up.
	Success
	// Trip opens the breaker at once.
	Trip
)

// String returns the mode in lower case, "inherit" for the zero value.
func (m BreakerMode) String() string {
	switch m {
	case 0:
		return "inherit"
	case Failure:
		return "failure"
	case Ignored:
		return "ignored"
	case Success:
		return "success"
	case Trip:
		return "trip"
	}
	return "invalid"
}

// MarshalText returns the same as String, for JSON and logs. There is no UnmarshalText.
func (m BreakerMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// overlay sets every field of p that is not zero in over.
func (p *Policy) overlay(over *Policy) {
	if over.MaxAttempts != 0 {
		p.MaxAttempts = over.MaxAttempts
	}
	if over.Backoff != (Backoff{}) {
		p.Backoff = over.Backoff
	}
	if over.MaxElapsed != 0 {
		p.MaxElapsed = over.MaxElapsed
	}
	if over.MaxRetryAfter != 0 {
		p.MaxRetryAfter = over.MaxRetryAfter
	}
	if over.Cost != 0 {
		p.Cost = over.Cost
	}
	if over.Breaker != 0 {
		p.Breaker = over.Breaker
	}
}
