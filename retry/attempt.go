package retry

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
)

// An Attempt is one send of a call and how it ended.
type Attempt struct {
	Number  int              // from 1
	Verdict classify.Verdict // on its error
	TraceID string           // that the answer carried
	Took    time.Duration    // from the operation's start to its return
	Wait    time.Duration    // that was decided on before a next send, 0 if none was to follow or at once
}

// AttemptFrom tells an operation which attempt it is in: Number is that of the
// attempt under way, the rest tells how the previous one ended. It is false outside of an
// operation, and in a first attempt.
func AttemptFrom(ctx context.Context) (Attempt, bool) {
	u, ok := ctx.Value(underwayKey{}).(*underway)
	if !ok || u.attempt.Number < 2 {
		return Attempt{}, false
	}
	return u.attempt, true
}

// underway is what the context of an attempt carries, where it carries
// anything: from the second one on, where the attempt is a probe, in a DoOnce,
// and in a call inside another.
type underway struct {
	r       *Retrier         // whose attempt it is
	key     string           // that it goes out with
	breaker *breaker.Breaker // whose lease it has, nil if none
	attempt Attempt
	probe   *breaker.Breaker // that this attempt probes, nil if none
	once    bool             // a send or a lookup of an operation
	over    atomic.Bool      // the attempt is, whoever still holds its context
	outer   *underway        // that of the attempt which this one is made from
}

// probing reports whether a probe of b is under way here or further out.
func (u *underway) probing(b *breaker.Breaker) bool {
	if b == nil {
		return false
	}
	for ; u != nil; u = u.outer {
		if u.probe == b && !u.over.Load() {
			return true
		}
	}
	return false
}

// ofOnce reports whether a send or a lookup of an operation is under way here or
// further out that knows the API which r is for.
func (u *underway) ofOnce(r *Retrier) bool {
	for ; u != nil; u = u.outer {
		if u.once && !u.over.Load() && (u.r == r || u.r.akin(r)) {
			return true
		}
	}
	return false
}

type underwayKey struct{}

// attemptTimeoutError is the cause of a context that ends with an attempt's
// time. It is a context.DeadlineExceeded, and says whose deadline it was.
type attemptTimeoutError struct{ d time.Duration }

func (e *attemptTimeoutError) Error() string {
	return fmt.Sprintf("no answer within the attempt timeout of %v", e.d)
}

// SafeError says that this text is fit to be logged.
func (e *attemptTimeoutError) SafeError() string { return e.Error() }

func (e *attemptTimeoutError) Timeout() bool   { return true }
func (e *attemptTimeoutError) Temporary() bool { return true }
func (e *attemptTimeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded
}
