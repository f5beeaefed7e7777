package retry

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// A guard adds rules to the attempts of a call besides the policy. A payment, its lookups
// and [Resend] are guards. A nil guard adds nothing.
type guard interface {
	// before runs while turn and lease are held. It returns the context to send with, or
	// why nothing is sent.
	before(ctx context.Context, c *call) (context.Context, *Error)
	// after evaluates what the failed send proves. came is the error as the operation
	// returned it, c.err the part of it that was kept.
	after(ctx context.Context, c *call, came error)
	// refuses returns why the call must not send again after its last send failed, nil if
	// it may.
	refuses(c *call, v *classify.Verdict) *Error
	// annotate completes an event, and reports whether to emit it.
	annotate(e *Event) bool
	// complete completes the error that the caller gets.
	complete(e *Error)
}

// terms are how the attempts of a call are made.
type terms struct {
	kind    markKind
	pinned  bool          // all attempts use the same key
	loose   bool          // another key may be used if the source does not have it
	timeout time.Duration // of one attempt, 0: none
	key     string        // of all attempts, if pinned

	highest  *atomic.Uint64  // nonce of the nested calls, if somebody needs it
	untraced context.Context // of an attempt, before its guard counts connections in it
}
