package retry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/protocol"
	"github.com/nexpay-go/resilience/internal/text"
)

// Outcome is what a lookup found out, see [Operation].
type Outcome = classify.Outcome

// What Verify may answer.
const (
	Undecided = classify.Undecided // no evidence either way, or no answer
	Applied   = classify.Applied   // it happened, whatever became of it afterwards
	Absent    = classify.Absent    // the API itself says that it knows of no such operation
)

// Defaults of an [Operation]: the longest wait that a payments vendor publishes
// for this, and how long somebody will wait for an answer at all.
const (
	defaultSettle = 40 * time.Second
	defaultGiveUp = 10 * time.Minute
)

// An Operation is something that must happen at most once: a payment. ID and
// Send are required, and without Verify no doubt is ever resolved.
type Operation[T any] struct {
	// ID is the caller's own id for it, the one that Send sends and Verify looks
	// up, the same over resends and restarts. At most 256 bytes of printable text.
	ID string

	// Fingerprint is of what is asked for, say a hash of payee and amount. With
	// a Journal the same ID under another fingerprint is refused. Empty: not checked.
	Fingerprint string

	// Send sends it, once. It must pass its context on to the request: that
	// carries the ticket to sign with, ends in time, and sees whether a connection was
	// made. So all that it sends goes through net/http or grpcretry, or nothing does: a client
	// of another kind beside it is not seen. With a Journal, or Idempotent, and no attempt timeout in the policies it
	// has a minute.
	Send func(context.Context) (T, error)

	// Verify asks the API whether the operation happened. It has to be strict:
	// Absent means that the API says in words of its own that it knows no such
	// ID, not that something was not found on the way there. Absent with an
	// error is Undecided; Applied with one is believed, and its value lost. An error
	// is classified like any other; a code of the API's that is Fatal ends the looking.
	// Verify must not be answered from a cache. A panic in it is contained, and
	// Undecided. It holds the turn on its key until its request is on the wire, or for
	// a second. Nil: nobody can look.
	Verify func(context.Context) (T, Outcome, error)

	// Settle is how long a sent request may still take effect, or take to be
	// seen by Verify, after Send has returned. Zero: 40 s.
	Settle time.Duration

	// GiveUp is how long to look for the truth once in doubt. It has to be
	// longer than Settle. Zero: 10 min, or twice Settle if that is longer.
	GiveUp time.Duration

	// NoReplay vouches that nothing below Send ever repeats a request: no proxy,
	// no retrying client, no replaying transport. Then a nonce that is refused
	// (code 50) proves that nothing happened, and is cured at once; and so does a
	// connection that was refused where nothing below reports to net/http/httptrace.
	NoReplay bool

	// Idempotent is how long after the first send the API itself keeps a second
	// send with the same ID from happening twice: that of its idempotency keys, 24 h
	// at some vendors and 30 days at others. Within it, an operation in doubt is sent
	// again as it is, without Verify; so Send must send ID as that key. A copy of a
	// request has to arrive within Settle of Send's return: what comes when the key is
	// forgotten is a second payment. Zero: the API promises nothing of the kind.
	Idempotent time.Duration

	// LookFirst asks Verify before the first send as well, as if an earlier process
	// might have sent the operation: for a while after a journal was lost or restored
	// from a backup.
	LookFirst bool
}

// DoOnce makes op happen at most once and returns its value, or an [*Error] that
// tells the truth about it:
//
//   - [ErrOutcomeUnknown]: nobody knows whether it happened. Error.Doubt has
//     what a person needs to find out.
//   - [ErrApplied]: it happened, its value is lost.
//   - [ErrBusy]: somebody else is at it, in this process or another. This call
//     sent nothing that took effect.
//   - [ErrNested]: the call was made where none can be, and did nothing; or, with
//     Attempts above 0, one that Send made was, and the operation did not happen.
//   - anything else: it did not happen.
//
// An attempt that is not proved to have changed nothing puts the operation in
// doubt, and from then on it is not sent again before Verify has said Absent
// twice, Settle apart, unless it is Idempotent. Only a refusal in the API's own
// words is such a proof, an answer with a code whose rule says so, or a connection
// that was never made. So that late copies are fenced off, the operation stays on
// the key of its first send.
//
// With a Journal in the [Config] all this holds over crashes and restarts:
// DoOnce looks there first, and goes on with what it finds. Without one it
// speaks of this call only.
//
// Options are those of Do, but for [Fallback], which is an error here. [Fix] is asked
// only as long as there never was doubt.
//
// Inside Send and Verify a call of the same Retrier runs its function once; any
// other one takes [Apart]. A DoOnce does not belong into an attempt of another call:
// it is ErrNested there, but for a first attempt that has neither turn nor attempt
// timeout, which leaves no trace by which to know. An operation that is invalid is an error of its own, and
// nothing is sent.
func DoOnce[T any](ctx context.Context, r *Retrier, op Operation[T], opts ...Option) (T, error) {
	var zero T
	if ctx == nil || r == nil || r.tables == nil {
		return zero, r.unusable(ctx, true)
	}
	if err := errors.Join(op.check(), refuse(opts)); err != nil {
		return zero, err
	}
	p := &performance[T]{op: op}
	p.payment = payment{
		performer: p, id: op.ID, fingerprint: op.Fingerprint, noReplay: op.NoReplay, verifiable: op.Verify != nil,
		giveUp: op.giveUp(), idempotent: op.Idempotent,
		state: protocol.State{Settle: op.settle(), LookFirst: op.LookFirst},
	}
	if err := p.payment.do(ctx, r, opts); err != nil {
		return zero, err
	}
	return p.value, nil
}

// A performance is an operation under way, with the value it comes to. What the
// engine does is in payment, which knows no T.
type performance[T any] struct {
	payment payment
	op      Operation[T]
	value   T
}

// A performer is what a payment sees of that.
type performer interface {
	perform(context.Context) error
	find(context.Context) (Outcome, error)
}

func (p *performance[T]) perform(ctx context.Context) (err error) {
	p.value, err = p.op.Send(ctx)
	return err
}

func (p *performance[T]) find(ctx context.Context) (Outcome, error) {
	v, found, err := p.op.Verify(ctx)
	if found == Applied && err == nil {
		p.value = v
	}
	return found, err
}

// check returns everything wrong with op. It repeats no text of it.
func (op *Operation[T]) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("retry: Operation."+format, args...))
	}
	switch {
	case op.ID == "":
		wrong("ID is required: what cannot be told apart cannot be looked up")
	case text.Line(op.ID) != op.ID:
		wrong("ID is longer than %d bytes, or not printable", text.Most)
	}
	if op.Send == nil {
		wrong("Send is nil")
	}
	if op.Settle < 0 {
		wrong("Settle %v is negative", op.Settle)
	}
	switch {
	case op.GiveUp < 0:
		wrong("GiveUp %v is negative", op.GiveUp)
	case op.GiveUp > 0 && op.GiveUp <= op.settle():
		wrong("GiveUp %v is not longer than Settle %v: nothing could be found out in that time", op.GiveUp, op.settle())
	}
	if op.Idempotent < 0 {
		wrong("Idempotent %v is negative", op.Idempotent)
	}
	return errors.Join(errs...)
}

func (op *Operation[T]) settle() time.Duration {
	if op.Settle == 0 {
		return defaultSettle
	}
	return op.Settle
}

func (op *Operation[T]) giveUp() time.Duration {
	if op.GiveUp == 0 {
		return max(defaultGiveUp, protocol.Later(op.settle(), op.settle()))
	}
	return op.GiveUp
}
