package retry

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// A guard is what a call asks about its attempts besides the policy: a payment, a
// lookup of one, and [Resend]. A nil one asks nothing.
type guard interface {
	// before is asked with turn and lease in hand, and returns the context to send
	// with, or why nothing is sent.
	before(ctx context.Context, c *call) (context.Context, *Error)
	// after takes in what the failed send proves: came is the error as the operation
	// returned it, c.err what is kept of it.
	after(ctx context.Context, c *call, came error)
	// refuses returns why the call must not send again after what its last send
	// failed with, nil if nothing stands against it.
	refuses(c *call, v *classify.Verdict) *Error
	// annotate completes an event, and reports whether it is to be emitted.
	annotate(e *Event) bool
	// complete completes the error that the caller gets.
	complete(e *Error)
}

// terms are how the attempts of a call are made.
type terms struct {
	kind    markKind
	pinned  bool          // there is a key that every attempt goes out with
	loose   bool          // another one will do where the source does not know it
	timeout time.Duration // of one attempt, 0: none
	key     string        // that every attempt goes out with

	highest  *atomic.Uint64  // nonce of the calls inside, where somebody asks
	untraced context.Context // of an attempt, before its guard counts connections in it
}
