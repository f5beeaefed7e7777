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

// An Outcome is a result of Operation.Verify.
type Outcome = classify.Outcome

// Results of [Operation].Verify.
const (
	Undecided = classify.Undecided // no evidence either way, or no answer
	Applied   = classify.Applied   // it happened, even if it was changed or reversed later
	Absent    = classify.Absent    // the API itself says that it knows no such operation
)

// Defaults of an [Operation]: the longest delay that a payments vendor publishes for
// this, and how long a caller is likely to wait for an answer.
const (
	defaultSettle = 40 * time.Second
	defaultGiveUp = 10 * time.Minute
)

// An Operation is something that must happen at most once, such as a payment. ID and Send
// are required. With neither Verify nor Idempotent, a doubt is never resolved.
type Operation[T any] struct {
	// ID is the caller's own id of the operation, which Send sends and Verify looks up. It
	// is the same over resends and restarts. At most 256 bytes of printable text.
	ID string

	// Fingerprint identifies what is asked for, for example a hash of payee and amount.
	// An ID that the Journal holds, or that is in doubt, is refused with another fingerprint.
	// Empty means that it is not checked.
	Fingerprint string

	// Send sends the operation once. It must pass its context on to the request: the
	// context carries the nonce ticket, ends the attempt, and observes whether a connection
	// was made. So all requests of Send must go through net/http or grpcretry, or none: a
	// client of another kind beside those is not observed. Send has one minute if the
	// policies have no attempt timeout and there is a Journal or Idempotent is set.
	Send func(context.Context) (T, error)

	// Verify asks the API whether the operation happened. It must be strict: Absent means
	// that the API itself says that it knows no such ID, not that a lookup failed on the
	// way. Absent with an error counts as Undecided. Applied with an error counts as
	// Applied, without a value. An error is classified like any other. If a rule for its
	// code says Fatal, the lookups end.
	//
	// Verify must not use a cache. A panic in it is recovered and counts as Undecided. It
	// holds the turn on its key until its request is written, for at most a second. Nil
	// means that the operation cannot be looked up.
	Verify func(context.Context) (T, Outcome, error)

	// Settle is how long after Send has returned a sent request may still take effect or
	// become visible to Verify. Zero means 40 s.
	Settle time.Duration

	// GiveUp is how long an operation in doubt is looked up. It must be longer than Settle.
	// Zero means 10 min, or twice Settle if that is longer.
	GiveUp time.Duration

	// NoReplay is your assurance that nothing below Send repeats a request: no proxy, no
	// retrying client, no replaying transport. Then a refused nonce (code 50) proves that
	// nothing happened, and is resynced at once. So does a refused connection where nothing
	// below reports to net/http/httptrace.
	NoReplay bool

	// Idempotent is how long after the first send the API prevents a second send with the
	// same ID from happening twice: the lifetime of its idempotency keys, 24 h at some
	// vendors and 30 days at others. Send must then send ID as that key. Within that time
	// an operation in doubt is sent again unchanged, without Verify. A late copy of a
	// request must arrive within Settle of Send's return: a copy that arrives after the key
	// expired is a second payment. Zero means that the API has no such keys.
	Idempotent time.Duration

	// LookFirst runs Verify before the first send too, as if an earlier process might have
	// sent the operation. Set it for a while after a journal was lost or restored from a
	// backup.
	LookFirst bool
}

// DoOnce makes op happen at most once. It returns its value, or an [*Error] whose Reason
// says what happened:
//
//   - [ErrOutcomeUnknown]: it is unknown whether it happened. Error.Doubt has what a person
//     needs to find out.
//   - [ErrApplied]: it happened, but its value is lost.
//   - [ErrBusy]: another call works on it, in this process or another. This call sent
//     nothing that took effect.
//   - [ErrNested]: the call is not allowed where it was made, and sent nothing. If Attempts
//     is above 0, a call inside Send was not allowed, and the operation did not happen.
//   - any other: it did not happen.
//
// An attempt that is not proved to have changed nothing puts the operation in doubt. Proofs
// are a refusal by the API itself, which is an answer with a code whose rule says so, and a
// connection that was never made. An operation in doubt is not sent again until Verify has
// returned Absent twice, Settle apart, or while Idempotent allows it. The operation stays
// on the API key of its first send, so that a higher nonce fences off late copies.
//
// With a Journal in the [Config] all this holds over crashes and restarts: DoOnce reads the
// journal first and continues from what it finds. Without one it holds for this call, and the
// Retrier remembers in memory what it left in doubt: another call for such an ID runs Verify
// before it sends. After a restart, or once the outcome is known, nothing is remembered, and
// DoOnce simply sends.
//
// DoOnce accepts the options of Do except [Fallback], which is an error. [Fix] runs only
// while the operation has never been in doubt.
//
// Inside Send and Verify, a call of the same Retrier runs its function once; use [Apart]
// for any other call. DoOnce returns ErrNested inside an attempt of another call, except in
// a first attempt that has neither a turn nor an attempt timeout, which leaves no trace in
// its context. An invalid op is an error of another type, and nothing is sent.
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

// A performance is an operation in progress and its value. The engine is payment, which has
// no type parameter.
type performance[T any] struct {
	payment payment
	op      Operation[T]
	value   T
}

// A performer is the part of a performance that a payment uses.
type performer interface {
	perform(context.Context) error
	verify(context.Context) (Outcome, error)
}

func (p *performance[T]) perform(ctx context.Context) (err error) {
	p.value, err = p.op.Send(ctx)
	return err
}

func (p *performance[T]) verify(ctx context.Context) (Outcome, error) {
	v, found, err := p.op.Verify(ctx)
	if found == Applied && err == nil {
		p.value = v
	}
	return found, err
}

// check returns everything that is wrong with op. Its texts do not repeat the values of
// texts in op.
func (op *Operation[T]) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("retry: Operation."+format, args...))
	}
	switch {
	case op.ID == "":
		wrong("ID is required: it is what Verify looks up")
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
		wrong("GiveUp %v is not longer than Settle %v: no lookup could be conclusive in that time", op.GiveUp, op.settle())
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
