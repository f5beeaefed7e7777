// Package engine says what a durable engine, which makes calls again by itself, should
// do after a call of package retry: the rules that the adapters under durable share.
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

// A Step is what the engine should do.
type Step uint8

const (
	Fail   Step = iota // no further attempt
	Done               // it happened: no further attempt, and no failure
	Later              // another attempt After that long, which nobody is to blame for
	Again              // another attempt, After the code's own backoff
	Cancel             // what is done where the context is over
)

// Next is what follows a call.
type Next struct {
	Step  Step
	After time.Duration // of Later and Again; above zero
	Type  string        // a word for the reason; of errors that a code decided "fatal/100"
	Err   *retry.Error  // that decided
	Inert bool          // of Later: the wait is over that was to help, so further ones may not
}

// A Call is what was run, and as which of the engine's attempts.
type Call struct {
	Retrier *retry.Retrier
	Attempt int           // of the engine, from 1
	Settle  time.Duration // of the operation; zero: the default
}

const (
	settle  = 40 * time.Second // the default of retry.Operation
	isolate = 30 * time.Second // between attempts at a breaker that only a person closes
)

// After returns what follows err, false if no call of package retry ended with it.
func (c Call) After(err error) (Next, bool) {
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

// decisive finds the end of a call in err: of several the first that must not be made
// again, or else the first.
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
	if first == nil { // an error may be made into one by its method As
		first, _ = errors.AsType[*retry.Error](err)
	}
	return first
}

// look is for an operation that the journal remembers: another attempt asks what
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

// repeat is for a call that may be made again, if that helps.
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

// backoff goes on where the call left off, as if all sends were those of one call. It
// is above zero, which an engine takes for its own policy or for at once.
func (c Call) backoff(e *retry.Error) time.Duration {
	wait := time.Duration(0)
	if c.Retrier != nil {
		sends := max(c.Attempt, 1) * max(e.Attempts, 1)
		b := c.Retrier.Policies().For(e.Verdict).Backoff
		wait = b.Delay(min(sends, 1<<20))
	}
	return max(wait, time.Millisecond)
}

// spread keeps all who were told the same from coming back in one instant.
func spread(d time.Duration) time.Duration {
	if most := d / 10; most > 0 && d < 1<<62 {
		d += rand.N(most)
	}
	return d
}

// decided is the type of an error that no repetition helps against: what locked a key
// has one type, whether this call found it out or an earlier one.
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

// Decision is the code and the status that decided, as far as there are any.
func Decision(e *retry.Error) (code string, status int) {
	if e.Verdict.Code != "" {
		return e.Verdict.Code.Text(), e.Verdict.Status
	}
	if locked := Lock(e); locked != nil {
		return locked.Code, e.Verdict.Status
	}
	return "", e.Verdict.Status
}

// Lock is what locked the key of a call that sent nothing for that, nil of any other.
func Lock(e *retry.Error) *breaker.LockedError {
	if e.Reason != retry.ErrLockedOut {
		return nil
	}
	locked, _ := errors.AsType[*breaker.LockedError](e.Cause)
	return locked
}

// words are the sentinels of package retry in a word each.
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

// Word is the Reason of an error in a word; of one that package retry did not make
// "unclassified".
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

type noJournal struct{}

func (noJournal) Error() string {
	return "a payment needs a Retrier with a Journal that all workers share: without, the engine's next attempt would pay again (nothing sent)"
}

// SafeError says that this text is fit to be logged.
func (n noJournal) SafeError() string { return n.Error() }

// Payable returns why a payment must not be begun, nil if nothing stands against it.
func Payable(r *retry.Retrier) error {
	if r != nil && r.Journal() == nil {
		return ErrNoJournal
	}
	return nil // retry.DoOnce tells of a nil Retrier itself
}
