package retry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
)

// tooOld is the age at which doubt is not resent any more, whatever Verify says:
// ledgers are archived, and people have begun to act.
const tooOld = time.Hour

// lastLook is how long before the end of the looking the last lookup may be.
const lastLook = time.Second

// between is how long to wait between two lookups.
var between = policy.Backoff{Initial: time.Second, Max: 10 * time.Second, Jitter: policy.JitterEqual}

var (
	errNoVerify error = &reason{text: "the operation has no Verify: nobody can look"}
	errGaveUp   error = &reason{text: "looked for as long as GiveUp allows"}
	errTooOld   error = &reason{text: "the doubt is older than an hour: not sent again without a person"}
)

// An answer is what became of one lookup.
type answer struct {
	found    Outcome
	asked    bool          // Verify was run
	certain  bool          // Absent counts: on the operation's key, behind its sends
	began    time.Duration // on clock(): the last run of Verify
	ended    time.Duration
	err      error            // of Verify
	lost     error            // of Verify beside Applied: the value is not to be had
	trace    string           // that its answer carried
	verdict  classify.Verdict // on err
	obstacle error            // that kept it from asking, or from asking properly
	wait     time.Duration    // that the server or the breaker asks for
	final    bool             // there is no use in looking again
}

// settle finds out whether what was sent has taken effect: Absent if nothing has,
// Undecided if that cannot be found out.
func (o *once) settle(ctx context.Context) Outcome {
	needed := 2
	switch {
	case o.inDoubt:
	case o.everDoubt && o.denied():
		// What was in doubt before may have come through after all, and be the
		// reason for this refusal. No doubt began: to ask is enough.
		needed, o.inDoubt, o.notBefore = 1, true, clock()
		o.emit(ctx, EventDoubt)
	default:
		return Absent
	}
	if o.ended != nil && o.ended.Reason == ErrOutcomeUnknown {
		return Undecided
	}
	carry.Wait(ctx)
	from := clock()
	found := o.look(ctx, needed)
	o.waited = clock() - from
	o.looked += o.waited
	if found != Undecided {
		o.inDoubt = false
		o.report(ctx, EventSettled, &answer{found: found})
	}
	return found
}

// denied reports whether the API refused the last send for good.
func (o *once) denied() bool {
	last := o.history.last()
	if last == nil || o.sends == 0 || o.ended != nil && o.ended.Reason != ErrResync {
		return false
	}
	switch last.Verdict.Class {
	case classify.Fatal, classify.FixAndResend:
		return true
	case classify.Resync:
		return o.ended != nil // with ErrResync: it is not sent again
	}
	return false
}

// look asks Verify until it is known whether the operation happened, or the time
// is up, or there is no use in it.
func (o *once) look(ctx context.Context, needed int) Outcome {
	if !o.verifiable {
		o.doubt.Blocked = errNoVerify
		return Undecided
	}
	limit := errGaveUp
	longest := later(o.giveUp, max(o.notBefore-clock(), 0)) // what does not count yet is not held against it
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < longest {
		limit = ErrDeadline
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	var due time.Duration // when a second Absent counts
	for n := 1; ; n++ {
		a := o.lookup(ctx)
		switch {
		case a.found == Applied:
			return Applied
		case a.found == Absent && a.certain && o.doubt.Absent > 0 && a.began >= due,
			a.found == Absent && a.certain && needed == 1:
			o.doubt.Absent++
			return o.absent()
		case a.found == Absent && a.certain && o.doubt.Absent == 0:
			o.doubt.Absent = 1
			due = later(a.ended, o.settleTime)
		}
		o.doubt.Blocked = a.obstacle
		if ctx.Err() != nil {
			o.doubt.Blocked = whyOver(ctx, limit)
		}
		wait := between.Delay(n)
		counts := o.notBefore // when the next Absent does
		if o.doubt.Absent > 0 {
			counts = due
		}
		switch left := counts - clock(); {
		case left > 0:
			wait = min(wait, left)
		case a.found == Absent && a.began < counts: // that moment came while it was under way
			wait = 0
		}
		if a.final || !o.rest(ctx, max(wait, a.wait), limit) {
			return Undecided
		}
	}
}

// absent is the end of a doubt that may be forgotten.
func (o *once) absent() Outcome {
	if o.doubt.age() > tooOld {
		o.doubt.Blocked = errTooOld
		return Undecided
	}
	o.cleared = true
	return Absent
}

// later is d after t, and no less where that is more than a Duration holds: a
// Settle for ever must not become none.
func later(t, d time.Duration) time.Duration {
	if sum := t + d; sum >= t {
		return sum
	}
	return math.MaxInt64
}

// rest waits between two lookups, unless that would last longer than the looking may.
func (o *once) rest(ctx context.Context, wait time.Duration, limit error) bool {
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline)
	if left <= wait && left >= 2*lastLook { // one last look all the same
		wait = left - lastLook
	}
	if left > wait && sleep(ctx.Done(), wait) {
		return true
	}
	if o.doubt.Blocked == nil {
		o.doubt.Blocked = whyOver(ctx, limit)
	}
	return false
}

// whyOver tells why the looking is over: canceled, or at the limit or so near it
// that there is no time for another lookup.
func whyOver(ctx context.Context, limit error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ErrCanceled
	}
	return limit
}

// lookup asks Verify once, or again at once with a newer nonce: on a turn and
// under a lease like any attempt, with a ledger of its own.
func (o *once) lookup(ctx context.Context) (a answer) {
	l := call{r: o.r, tables: o.tables, breaker: o.breaker, start: clock(), name: o.name, once: o, looking: true, inner: o.inner}
	l.turn(ctx, func(ctx context.Context) error { return o.ask(ctx, &a) })
	a.err = cmp.Or(l.err, a.lost)
	if last := l.history.last(); last != nil && a.err != nil {
		a.verdict, a.wait, a.trace = last.Verdict, last.Verdict.RetryAfter, last.TraceID
		o.doubt.traced(last.TraceID)
		if a.verdict.Class == classify.Fatal {
			a.final, a.obstacle = true, a.err
		}
	}
	a.meet(ctx, l.ended)
	if a.asked {
		o.doubt.Answer = Answer{Outcome: a.found, Err: a.err, At: time.Now()}
		o.doubt.Lookups++
		o.report(ctx, EventLookup, &a)
	}
	return a
}

// meet takes in what stood in the lookup's way.
func (a *answer) meet(ctx context.Context, ended *Error) {
	switch {
	case ctx.Err() != nil:
		a.final = true
	case ended == nil || ended.Reason == errInner:
	case ended.Reason == ErrLockedOut:
		a.final, a.obstacle = true, ended.Cause
	default:
		a.obstacle = ended.Cause
		if open, ok := errors.AsType[*breaker.OpenError](ended.Cause); ok {
			a.wait = max(a.wait, open.RetryIn)
		}
		if a.obstacle == nil {
			a.obstacle = ended.Reason
		}
	}
}

// ask runs Verify.
func (o *once) ask(ctx context.Context, a *answer) (err error) {
	a.asked, a.found, a.certain, a.began = true, Undecided, o.behind(ctx), clock()
	defer func() {
		a.ended = clock()
		if p := recover(); p != nil {
			a.found, err = Undecided, &panicError{"Verify", fmt.Sprintf("%T", p)}
		}
	}()
	found, err := o.find(ctx)
	switch {
	case found == Applied:
		a.found = Applied
		a.lost, err = err, nil // it is not asked again, whatever that error asks for
	case found == Absent && err == nil:
		a.found = Absent
	}
	return err
}

// behind reports whether a lookup made now stands behind everything sent: on the
// same key with a higher nonce, so that strict nonces keep late copies out, and
// not while another process may still be sending.
func (o *once) behind(ctx context.Context) bool {
	if clock() < o.notBefore {
		return false
	}
	ticket, ok := nonce.FromContext(ctx)
	if !ok || o.r.nonces == nil {
		return o.entry.Key == "" || o.entry.Key == o.r.key
	}
	return ticket.Key() == o.key && ticket.Nonce() > o.fence
}

// A panicError stands for a panic in code of the caller's. Its value may hold anything.
type panicError struct{ where, kind string }

func (e *panicError) Error() string     { return e.where + " panicked with a " + e.kind }
func (e *panicError) SafeError() string { return e.Error() }
