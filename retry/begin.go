package retry

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// journalTime is what a journal gets for one word of ours: a turn on the key may
// be held meanwhile.
const journalTime = 5 * time.Second

// recall reads what the journal holds of the operation, before all else: what is
// said of it afterwards has to be true of earlier processes too. So it is read
// even if the context is over.
func (o *once) recall(ctx context.Context) EntryState {
	if o.r.journal == nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTime)
	defer cancel()
	held, err := o.r.journal.Begin(ctx, Entry{ID: o.id, Generation: ReadGeneration})
	if err != nil {
		o.unreadable(ctx, err)
		return 0
	}
	if !o.agrees(held) {
		return 0
	}
	o.entry, o.recalled = held, true
	if held.State == EntryOpen {
		o.inherit(ctx)
	}
	return held.State
}

// agrees reports whether what the journal holds is this operation, and ends it if
// it is another one under the same ID.
func (o *once) agrees(held Entry) bool {
	if held.Fingerprint == "" || o.fingerprint == "" || held.Fingerprint == o.fingerprint {
		return true
	}
	o.entry, o.recalled = Entry{}, false
	return o.stop(ErrFixAndResend, errFingerprint)
}

// overtaken reports whether another process has gone on with the operation since
// the journal was read, by a call that wrote nothing itself: what that one has
// come to nobody here knows.
func (o *once) overtaken(ctx context.Context) bool {
	if o.r.journal == nil || !o.recalled {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTime)
	defer cancel()
	held, err := o.r.journal.Begin(ctx, Entry{ID: o.id, Generation: ReadGeneration})
	switch {
	case err != nil:
		o.unreadable(ctx, err)
	case held.Generation == o.entry.Generation || !o.agrees(held):
		return false
	default:
		o.entry = held
		o.stop(ErrBusy, nil)
	}
	return true
}

var (
	errFingerprint = &reason{text: "the journal holds another operation under this ID: the fingerprints differ"}
	errSlowJournal = &reason{text: "it took too long over a Begin, nothing was sent after that"}
	errOtherKey    = &reason{text: "the nonce source gave a turn on another key than the operation was first sent with"}
)

// unreadable ends the operation because of the journal: what it holds nobody knows.
func (o *once) unreadable(ctx context.Context, err error) {
	o.inDoubt = true
	o.emit(ctx, EventDoubt)
	o.entry.State = 0 // it is not asked again
	o.doubt.Blocked = &journalError{err}
	o.stop(ErrOutcomeUnknown, nil)
}

// A journalError says that the journal failed. What exactly it says is not for a log.
type journalError struct{ err error }

func (e *journalError) Error() string     { return "the journal failed: " + describe(e.err) }
func (e *journalError) SafeError() string { return e.Error() }
func (e *journalError) Unwrap() error     { return e.err }

// inherit takes over the doubt that an earlier process left, or another one is in.
// That one may be sending still: its Begin may have taken as long as a journal gets,
// and after that it sends for as long as an attempt takes. From when on, its clock
// may say otherwise than ours: so all of that time is waited for here.
func (o *once) inherit(ctx context.Context) {
	e := &o.entry
	o.inDoubt, o.everDoubt = true, true
	o.fence = e.Nonce
	o.key, o.pinned = e.Key, e.Key != "" || o.r.nonces == nil
	now := time.Now()
	sending := later(journalTime, o.tables.timeout)
	o.notBefore = later(clock(), sending)
	o.doubt.Key = e.Key
	o.doubt.sent(Sent{At: e.At, Nonce: e.Nonce}, false)
	for _, id := range e.TraceIDs {
		o.doubt.traced(id)
	}
	o.doubt.Conclusive = now.Add(later(sending, o.settleTime))
	o.emit(ctx, EventDoubt)
}

// begin comes before every send, with turn and lease in hand: it pins the key,
// and has the journal know of the send before the network does.
func (o *once) begin(ctx context.Context) bool {
	if !o.pinned {
		o.key, o.pinned = o.call.key(), true
	}
	if o.call.key() != o.key {
		return o.stop(ErrNonce, errOtherKey)
	}
	if o.cleared && o.doubt.age() > tooOld { // it has waited long for its turn
		o.inDoubt = true
		o.doubt.Blocked = errTooOld
		return o.stop(ErrOutcomeUnknown, nil)
	}
	o.cleared = false
	e := Entry{
		ID: o.id, Key: o.key, Fingerprint: cmp.Or(o.fingerprint, o.entry.Fingerprint), State: EntryOpen,
		Generation: o.entry.Generation, At: time.Now().UTC(), TraceIDs: o.doubt.TraceIDs,
	}
	if o.ticket != nil {
		e.Nonce = o.ticket.Nonce()
	}
	o.fence = max(o.fence, e.Nonce)
	o.doubt.Key = o.key
	if o.r.journal == nil {
		o.entry.Nonce = e.Nonce
		return true
	}
	return o.write(ctx, e) && o.stillClear(ctx)
}

// write is Begin. If it was somebody else's that the journal took, this call is
// the loser of two. Others count on it that nothing is sent when the time for the
// journal is over, even if it has stored the entry in the end.
func (o *once) write(ctx context.Context, e Entry) bool {
	bounded, cancel := context.WithTimeout(ctx, journalTime)
	defer cancel()
	e.Owner = rand.Text()
	began := clock()
	held, err := o.r.journal.Begin(bounded, e)
	if err == nil && clock()-began > journalTime {
		err = errSlowJournal
	}
	if err != nil {
		o.unreadable(ctx, err)
		return false
	}
	if held.Owner != e.Owner || held.Generation != e.Generation+1 {
		if !o.agrees(held) {
			return false
		}
		o.entry = held
		return o.stop(ErrBusy, nil)
	}
	o.entry = held
	return true
}

// stillClear looks again for what may have come while the journal was written.
func (o *once) stillClear(ctx context.Context) bool {
	if ctx.Err() != nil {
		return o.stopForContext(ctx, nil)
	}
	if err := o.r.lockout.Check(o.key); err != nil {
		return o.stop(ErrLockedOut, err)
	}
	return true
}

// close writes into the journal what is known now, whatever became of the
// context. It reports false only if somebody else has gone on with the operation
// since, so that what is known here is not the last word. A journal that fails
// does not change what happened; an event says so.
func (o *once) close(ctx context.Context, state EntryState) bool {
	if o.r.journal == nil || o.entry.State != EntryOpen {
		return true
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTime)
	defer cancel()
	e := o.entry
	e.State, e.TraceIDs = state, o.doubt.TraceIDs
	err := o.journalEnd(bounded, e)
	o.entry.State = state
	busy := errors.Is(err, ErrBusy)
	if err != nil && (!busy || state == EntryApplied) { // with a success, somebody else's Begin is news
		o.journalFailed(ctx, err)
	}
	return !busy
}

// journalEnd is End. A panic in it must not take away what is known.
func (o *once) journalEnd(ctx context.Context, e Entry) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{"the journal", fmt.Sprintf("%T", p)}
		}
	}()
	return o.r.journal.End(ctx, e)
}

func (o *once) journalFailed(ctx context.Context, err error) {
	if o.r.onEvent == nil {
		return
	}
	e := o.event(EventJournal)
	e.Error = (&journalError{err}).Error()
	e.Effect = classify.Unknown
	o.tellObserver(ctx, e)
}
