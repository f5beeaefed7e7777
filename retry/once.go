package retry

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/classify"
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
	// carries the ticket to sign with, and sees whether a connection was made.
	Send func(context.Context) (T, error)

	// Verify asks the API whether the operation happened. It has to be strict:
	// Absent means that the API says in words of its own that it knows no such
	// ID, not that something was not found on the way there. Absent with an
	// error is Undecided; Applied with one is believed, and its value lost. An error is classified like any other; one that is
	// Fatal ends the looking. Verify must not be answered from a cache. A panic
	// in it is contained, and Undecided. Nil: nobody can look.
	Verify func(context.Context) (T, Outcome, error)

	// Settle is how long a sent request may still take effect, or take to be
	// seen by Verify, after Send has returned. Zero: 40 s.
	Settle time.Duration

	// GiveUp is how long to look for the truth once in doubt. It has to be
	// longer than Settle. Zero: 10 min, or twice Settle if that is longer.
	GiveUp time.Duration

	// NoReplay vouches that nothing below Send ever repeats a request: no proxy,
	// no retrying client, no replaying transport. Then a nonce that is refused
	// (code 50) proves that nothing happened, and is cured at once.
	NoReplay bool

	// Idempotent is how long after the first send the API itself keeps a second
	// send with the same ID from happening twice: that of its idempotency keys, 24 h
	// at some vendors and 30 days at others. Within it, an operation in doubt is sent
	// again as it is, without Verify; so Send must send ID as that key. Zero: the API
	// promises nothing of the kind.
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
//   - anything else: it did not happen.
//
// An attempt that is not proved to have changed nothing puts the operation in
// doubt, and from then on it is not sent again before Verify has said Absent
// twice, Settle apart. Only an answer of the API's own with a 4xx and a code is
// such a proof, or a connection that was never made. So that late copies are
// fenced off, the operation stays on the key of its first send.
//
// With a Journal in the [Config] all this holds over crashes and restarts:
// DoOnce looks there first, and goes on with what it finds. Without one it
// speaks of this call only.
//
// Options are those of Do, but for [Fallback], which is an error here. [Fix] is asked only as long as there never was
// doubt.
//
// A Do inside Send or Verify, for the same API, sends once: nothing but DoOnce
// decides to send again.
//
// DoOnce cannot run inside an attempt of another call that holds a turn on the
// same key: it would wait for itself. An operation that is invalid is an error
// of its own, and nothing is sent.
func DoOnce[T any](ctx context.Context, r *Retrier, op Operation[T], opts ...Option) (T, error) {
	var zero T
	if r == nil {
		return zero, errNil(r)
	}
	if err := errors.Join(op.check(), refuse(opts)); err != nil {
		return zero, err
	}
	p := &performance[T]{op: op, once: once{
		id: op.ID, fingerprint: op.Fingerprint, noReplay: op.NoReplay,
		settleTime: op.settle(), giveUp: op.giveUp(), verifiable: op.Verify != nil,
	}}
	p.performer = p
	if err := p.do(ctx, r, opts); err != nil {
		return zero, err
	}
	return p.value, nil
}

// A performance is an operation under way, with the value it comes to. What the
// engine does is in once, which knows no T.
type performance[T any] struct {
	once
	op    Operation[T]
	value T
}

// A performer is what once sees of a performance.
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
		return max(defaultGiveUp, later(op.settle(), op.settle()))
	}
	return op.GiveUp
}

// once is an operation under way: the ledger of its sends, and what is known of
// it. It belongs to one goroutine, but for connected.
type once struct {
	call
	performer
	id, fingerprint string
	settleTime      time.Duration
	giveUp          time.Duration
	verifiable      bool // there is a Verify
	noReplay        bool

	key    string // of the first send, which all that follows stays on
	pinned bool   // there is one
	entry  Entry  // what the journal holds; Generation 0: nothing

	inDoubt   bool          // it may have happened
	everDoubt bool          // it was in doubt at some time
	fence     uint64        // the highest nonce that it was sent with
	notBefore time.Duration // on clock(): before that, somebody may still be sending it
	recalled  bool          // the journal was read, and holds nothing against this operation
	cleared   bool          // it is out of doubt by two Absents, and was not sent since
	trimmed   bool          // of the error of the last send something was left out
	looked    time.Duration // time spent looking, which bounds on sends leave out
	waited    time.Duration // of that, since the last send
	doubt     Doubt

	connected atomic.Bool // a connection was made during this send
}

// do runs the operation. Each round sends, unless there is doubt already, finds
// out whether what was sent took effect, and decides whether to send again.
func (o *once) do(ctx context.Context, r *Retrier, opts []Option) error {
	o.begun(ctx, r, opts)
	if !r.claim(o.id) {
		o.stop(ErrBusy, nil)
		return o.end(ctx)
	}
	defer r.release(o.id)
	state := o.recall(ctx)
	if r.holdsTurn(ctx) {
		return o.insideTurn(ctx, state)
	}
	if state == EntryApplied {
		return o.fetch(ctx)
	}
	for o.ended == nil {
		if !o.inDoubt && o.turn(ctx, o.attempt) {
			return o.succeed(ctx)
		}
		switch o.settle(ctx) {
		case Applied:
			return o.applied(ctx)
		case Absent:
			if o.again(ctx, opts) {
				continue
			}
		}
		break
	}
	return o.end(ctx)
}

// insideTurn is the end of an operation that cannot be sent or looked up where it
// stands. What the journal holds of it is true all the same.
func (o *once) insideTurn(ctx context.Context, state EntryState) error {
	o.verifiable = false // a lookup would wait for the turn
	switch {
	case state == EntryApplied:
		o.stop(ErrApplied, errInsideTurn)
	case o.ended != nil: // the journal said no
	case o.inDoubt:
		o.doubt.Blocked = errInsideTurn
	default:
		o.stop(ErrNonce, errInsideTurn)
	}
	return o.end(ctx)
}

var errInsideTurn = &reason{text: "DoOnce inside an attempt of another call, which holds the turn on this key: make it a call of its own"}

func (o *once) begun(ctx context.Context, r *Retrier, opts []Option) {
	o.r, o.tables, o.breaker, o.start, o.name, o.once = r, r.tables.Load(), r.breakerFor(opts), clock(), name(opts), o
	o.inner = within(ctx)
	o.doubt.ID, o.doubt.Settle = o.id, o.settleTime
}

func (r *Retrier) holdsTurn(ctx context.Context) bool {
	_, ok := r.turnIn(ctx)
	return ok
}

// attempt is one send. What net/http tells of connections during it is part of
// the proof that a failure was harmless; a trace of the caller's is told as well.
func (o *once) attempt(ctx context.Context) error {
	o.connected.Store(false)
	// A fresh one each time: httptrace ties the caller's hooks into it.
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { o.connected.Store(true) }}
	returned := false
	defer func() {
		if !returned { // a panic, or an exit, on its way to whoever waits for it
			o.inDoubt = true
			o.emit(ctx, EventDoubt)
		}
	}()
	err := o.perform(httptrace.WithClientTrace(ctx, trace))
	returned = true
	return err
}

// succeed books the success of a send.
func (o *once) succeed(ctx context.Context) error {
	o.call.succeed(ctx)
	o.close(ctx, EntryApplied)
	return nil
}

// applied is succeed where Verify found it. Its value is there if Verify had one.
func (o *once) applied(ctx context.Context) error {
	o.call.succeed(ctx)
	o.close(ctx, EntryApplied)
	if o.doubt.Answer.Err == nil {
		return nil
	}
	o.err = o.doubt.Answer.Err
	o.stop(ErrApplied, nil)
	return o.end(ctx)
}

// fetch gets the value of an operation that the journal holds as applied: with
// one lookup, as nothing hangs on it but the value.
func (o *once) fetch(ctx context.Context) error {
	var a answer
	if o.verifiable {
		a = o.lookup(ctx)
	}
	if a.found == Applied && a.err == nil {
		return nil
	}
	o.err, o.ended = a.err, nil
	o.stop(ErrApplied, a.obstacle)
	return o.end(ctx)
}

// end returns the error of an operation that did not come to its value, having
// written into the journal what is known.
func (o *once) end(ctx context.Context) error {
	switch {
	case o.ended != nil && (o.ended.Reason == ErrApplied || o.ended.Reason == ErrBusy):
	case o.inDoubt:
		o.close(ctx, EntryOpen)
		o.stop(ErrOutcomeUnknown, nil)
	case o.entry.State == EntryOpen:
		if !o.close(ctx, EntryNotApplied) {
			o.stop(ErrBusy, nil)
		}
	case o.overtaken(ctx) && o.inDoubt:
		o.stop(ErrOutcomeUnknown, nil)
	}
	if o.entry.State == EntryApplied && o.ended != nil && o.ended.Reason == ErrBusy { // and it is through
		return o.fetch(ctx)
	}
	if o.ended != nil && o.ended.Reason == errInner {
		o.stop(ErrUnclassified, nil)
	}
	return o.call.end(ctx)
}

// again decides whether to send once more, now that nothing sent before has
// taken effect.
func (o *once) again(ctx context.Context, opts []Option) bool {
	if o.ended != nil {
		return false
	}
	if o.history.last() == nil { // an earlier process sent it
		o.emit(ctx, EventResend)
		return true
	}
	more := o.call.again(ctx, opts) && sleep(ctx.Done(), o.pause())
	o.waited = 0
	return more
}
