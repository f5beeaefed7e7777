package policy

import (
	"net/http"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// Standard returns policies that suit any API. They depend on the class of an error, and
// on one HTTP status:
//
//   - retryable: 4 attempts, the last begun within 30 s; waits from 200 ms, doubling up
//     to 5 s, with full jitter; Retry-After up to 20 s; 10 tokens per retry; a failure to
//     the breaker. So a person waits at most half a minute and one answer.
//   - HTTP 429 that may be retried: as above, but Retry-After up to 60 s, within 90 s,
//     and 5 tokens, because it asks for longer waits, not for fewer callers.
//   - unclassified: not retried, and ignored by the breaker.
//   - resync, fix-and-resend, fatal: a success to the breaker.
//
// There is no attempt timeout, and no catalog: no code has a meaning, and the HTTP status
// decides.
func Standard() *Set { return standard() }

var standard = sync.OnceValue(func() *Set { return compile(Table{}) })

// base returns the table beneath every other.
func base() Table {
	return Table{
		Default: Policy{
			MaxAttempts:   4,
			Backoff:       Backoff{Initial: defaultInitial, Max: defaultMax, Multiplier: defaultMultiplier},
			MaxElapsed:    30 * time.Second,
			MaxRetryAfter: 20 * time.Second,
			Cost:          10,
			Breaker:       Success,
		},
		Classes: map[classify.Class]Policy{
			classify.Unclassified: {Breaker: Ignored},
			classify.Retryable:    {Breaker: Failure},
		},
		Statuses: map[int]Policy{
			http.StatusTooManyRequests: {MaxElapsed: 90 * time.Second, MaxRetryAfter: time.Minute, Cost: 5},
		},
	}
}
