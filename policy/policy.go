package policy

import "time"

// None, in a numeric field of a [Policy], says "none" or "no limit" where zero
// would inherit: MaxAttempts and MaxElapsed without a limit, no cap on what
// Retry-After may ask for, a resend that costs nothing. As Backoff.Initial it
// means no wait at all.
const None = -1

// A Policy says what happens when a call gets an error that it applies to. A
// zero field inherits, see [Table].
type Policy struct {
	// MaxAttempts bounds the sends of one call, the first included: 1 never
	// resends. Resyncs and fixes are not counted, they have bounds of their
	// own; for codes and classes that ask for them nothing but 1 may be set,
	// which rules them out. With None there is no limit but MaxElapsed, which
	// must then be one, and there must be a wait between sends.
	MaxAttempts int

	// Backoff is how long to wait between sends. It is inherited whole: a
	// Backoff with any field set inherits nothing.
	Backoff Backoff

	// MaxElapsed is how long after its beginning a call may still be sent again;
	// a send under way, a Fix or a wait for a turn on the key is not cut short,
	// which a context with a deadline does. It holds for resends, resyncs and fixes
	// alike: a wait that would end later is not begun, nor is a fix asked for.
	// The lookups of retry.DoOnce are not counted. None: no limit.
	MaxElapsed time.Duration

	// MaxRetryAfter is the longest wait a server may ask for. A server that
	// asks for longer ends the call; its wish is never silently shortened. It is
	// waited for, and up to a tenth more unless the jitter is JitterNone, before a
	// resync or a fix too. None: no limit but MaxElapsed and the context.
	MaxRetryAfter time.Duration

	// Cost is how many tokens a resend takes from the retry budget, whose
	// capacity it must not exceed, see [Set.Affordable]. If all resends of a call
	// together do, it is sent MaxAttempts times only if other calls succeed
	// meanwhile and put tokens back. None: a resend is free.
	Cost int

	// Breaker is what the error means to the circuit breaker.
	Breaker BreakerMode
}

// A BreakerMode is what an error means to the circuit breaker. The zero value
// inherits.
type BreakerMode uint8

const (
	// Failure counts towards opening the breaker.
	Failure BreakerMode = iota + 1
	// Ignored counts as neither.
	Ignored
	// Success counts as a sign of life: the server answered, it is up.
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

// MarshalText is String, for JSON and logs. It cannot be read back.
func (m BreakerMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// overlay sets every field of p that over does not leave to inherit.
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
