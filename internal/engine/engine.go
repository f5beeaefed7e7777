// Package engine decides what a durable engine, which repeats calls by itself, should
// do after a call of package retry. The adapters under durable share these rules.
package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/retry"
)

// A Step is what the engine should do next.
type Step uint8

const (
	Fail   Step = iota // no further attempt
	Done               // it happened: no further attempt, and not a failure
	Later              // another attempt after Next.After; the last one does not count as a failure
	Again              // another attempt after Next.After, the code's own backoff
	Cancel             // as after the end of the context
)

// Next is what follows a call.
type Next struct {
	Step  Step
	After time.Duration // for Later and Again; above zero, at most a day
	Type  string        // a word for the reason; "fatal/100" if a code decided
	Err   *retry.Error  // the error that decided
	Inert bool          // for Later: the wait that should help has passed, so another may not help
}

// A Call is a call of package retry as one attempt of the engine.
type Call struct {
	Retrier *retry.Retrier
	Attempt int           // number of the engine's attempt, from 1
	Settle  time.Duration // of the operation; zero: 40 s
}

const (
	settle  = 40 * time.Second // the default of retry.Operation
	isolate = 30 * time.Second // between attempts while the breaker is isolated, which only a person ends
)

// longest is the longest wait. A server can ask for ten years, and an engine would let
// that pass in silence, with a payment in doubt. After a day it is asked again.
const longest = 24 * time.Hour

// After returns what follows err. It returns false if err is not from a call of
// package retry.
func (c Call) After(err error) (Next, bool) {
	n, ok := c.next(err)
	n.After = min(n.After, longest)
	return n, ok
}

func (c Call) next(err error) (Next, bool) {
	e := decisive(err)
	if e == nil {
		return Next{}, false
	}
	n := Next{Err: e, Type: Word(e)}
	switch e.Reason {
	case retry.ErrOutcomeUnknown, retry.ErrBusy:
		if c.Retrier != nil && c.Retrier.Journal() != nil {
			c.look(&n)
		}
		return n, true
	case retry.ErrApplied:
		n.Step = Done
		return n, true
	}
	if !e.Repeatable() {
		n.Type = doubt
		return n, true
	}
	c.repeat(&n)
	return n, true
}

// decisive returns the *retry.Error in err that decides: the first that must not be
// repeated, or else the first.
func decisive(err error) (first *retry.Error) {
	errtree.Walk(err, func(err error) bool {
		e, ok := err.(*retry.Error)
		if !ok || e == nil {
			return true
		}
		if first == nil || first.Repeatable() && !e.Repeatable() {
			first = e
		}
		return false
	})
	if first == nil { // an error may convert itself with a method As
		first, _ = errors.AsType[*retry.Error](err)
	}
	return first
}

// look is for an operation that is in the journal: another attempt finds out what
// became of it.
func (c Call) look(n *Next) {
	n.Step, n.After = Later, c.Settle
	if n.After <= 0 {
		n.After = settle
	}
	if d := n.Err.Doubt; d != nil {
		if d.Settle > 0 {
			n.After = d.Settle
		}
		until := time.Until(d.Conclusive)
		if n.Inert = until <= 0; !n.Inert {
			n.After = until
		}
		if open, ok := errors.AsType[*breaker.OpenError](d.Blocked); ok {
			n.After = max(n.After, open.RetryIn)
		}
	}
	n.After = max(n.After, n.Err.RetryIn())
}

// repeat is for a call that may be repeated, if that helps.
func (c Call) repeat(n *Next) {
	e := n.Err
	asked := e.RetryIn()
	switch e.Reason {
	case retry.ErrFatal, retry.ErrFixAndResend, retry.ErrUnclassified, retry.ErrLockedOut:
		n.Type = decided(e)
	case retry.ErrCanceled:
		n.Step = Cancel
	case retry.ErrOpen, retry.ErrRetryAfter:
		n.Step, n.After = Later, spread(asked)
		if asked <= 0 {
			n.After = isolate
		}
	case retry.ErrAttempts, retry.ErrElapsed, retry.ErrBudget, retry.ErrDeadline, retry.ErrResync, retry.ErrNonce:
		n.Step, n.After = Again, c.backoff(e)
		if asked > 0 {
			n.Step, n.After = Later, max(n.After, spread(asked))
		}
	}
}

// backoff continues where the call ended, as if all sends were those of one call. It
// is above zero, because an engine treats zero as its own policy or as at once.
func (c Call) backoff(e *retry.Error) time.Duration {
	wait := time.Duration(0)
	if c.Retrier != nil {
		sends := max(c.Attempt, 1) * max(e.Attempts, 1)
		b := c.Retrier.Policies().For(e.Verdict).Backoff
		wait = b.Delay(min(sends, 1<<20))
	}
	return max(wait, time.Millisecond)
}

// spread prevents callers with the same wait from returning at the same instant.
func spread(d time.Duration) time.Duration {
	if most := d / 10; most > 0 && d < 1<<62 {
		d += rand.N(most)
	}
	return d
}

// decided returns the type of an error that no retry helps against. The type is the
// same whether this call or an earlier one locked the key.
func decided(e *retry.Error) string {
	code, status := Decision(e)
	switch {
	case code != "":
		return "fatal/" + code
	case status != 0:
		return fmt.Sprintf("fatal/HTTP-%d", status)
	}
	return "fatal"
}

// Decision returns the code and the status that decided, if there are any.
func Decision(e *retry.Error) (code string, status int) {
	if e.Verdict.Code != "" {
		return e.Verdict.Code.Text(), e.Verdict.Status
	}
	if locked := Lock(e); locked != nil {
		return locked.Code, e.Verdict.Status
	}
	return "", e.Verdict.Status
}

// Lock returns the error that locked the key, if the call sent nothing because of it,
// and nil otherwise.
func Lock(e *retry.Error) *breaker.LockedError {
	if e.Reason != retry.ErrLockedOut {
		return nil
	}
	locked, _ := errors.AsType[*breaker.LockedError](e.Cause)
	return locked
}

// words has one word for each sentinel of package retry.
var words = []struct {
	reason error
	word   string
}{
	{retry.ErrFatal, "fatal"}, {retry.ErrFixAndResend, "fix-and-resend"}, {retry.ErrUnclassified, "unclassified"},
	{retry.ErrLockedOut, "locked-out"}, {retry.ErrApplied, "applied"}, {retry.ErrOutcomeUnknown, "outcome-unknown"},
	{retry.ErrBusy, "busy"}, {retry.ErrOpen, "open"}, {retry.ErrRetryAfter, "retry-after"}, {retry.ErrAttempts, "attempts"},
	{retry.ErrElapsed, "elapsed"}, {retry.ErrBudget, "budget"}, {retry.ErrDeadline, "deadline"}, {retry.ErrCanceled, "canceled"},
	{retry.ErrResync, "resync"}, {retry.ErrNonce, "nonce"}, {retry.ErrNested, "nested"}, {retry.ErrDoubt, doubt},
}

const doubt = "doubt"

// Word returns one word for the Reason of an error, and "unclassified" if package
// retry did not make it.
func Word(e *retry.Error) string {
	for i := range words {
		if words[i].reason == e.Reason {
			return words[i].word
		}
	}
	return "unclassified"
}

// ErrNoJournal is what a payment is refused with before anything is sent.
var ErrNoJournal error = noJournal{}

// A noJournal is the error of a payment that is refused before anything is sent.
type noJournal struct{}

func (noJournal) Error() string {
	return "a payment needs a Retrier with a Journal that all workers share: without one, the engine's next attempt would pay again (nothing sent)"
}

// SafeError returns the text, which is safe to log.
func (n noJournal) SafeError() string { return n.Error() }

// Payable returns why a payment must not be started, and nil if it may.
func Payable(r *retry.Retrier) error {
	if r != nil && r.Journal() == nil {
		return ErrNoJournal
	}
	return nil // retry.DoOnce reports a nil Retrier itself
}
