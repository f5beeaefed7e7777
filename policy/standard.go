package policy

import (
	"net/http"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// Standard returns policies that are good for any API. They go by the class of
// an error, and treat one HTTP status apart:
//
//   - retryable: 4 sends, the last begun within 30 s, waits of 200 ms doubling to
//     5 s with full jitter, Retry-After up to 20 s, 10 tokens per resend, a failure
//     to the breaker. A person waits half a minute and one answer at most.
//   - HTTP 429 that may be retried: as above, but Retry-After up to 60 s, within
//     90 s, and 5 tokens, because it asked for patience, not for fewer callers.
//   - unclassified: nothing is resent, the breaker ignores it.
//   - resync, fix-and-resend, fatal: a sign of life to the breaker.
//
// There is no attempt timeout.
func Standard() *Set { return standard() }

var standard = sync.OnceValue(func() *Set { return compile(Table{}) })

// base is the table that lies under every other.
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
