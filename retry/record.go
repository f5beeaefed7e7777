package retry

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/internal/gate"
	"github.com/nexpay-go/resilience/internal/insist"
	"github.com/nexpay-go/resilience/internal/protocol"
	"github.com/nexpay-go/resilience/internal/redact"
)

// callJournal calls the journal, repeating failures for a while. A read may be repeated, and so may
// a Begin, because its Owner shows whose it was. line is the context for waiting at the
// gate.
func (r *Retrier) callJournal(line, ctx context.Context, g gate.Gate, ask func(context.Context) (Entry, error)) (held Entry, err error) {
	if !g.Enter(line) {
		return held, line.Err()
	}
	defer g.Leave()
	return insist.On(ctx, protocol.JournalTime, ErrBusy, ask)
}

// held returns the journal's entry of the operation, even if ctx has ended. Without a
// journal it is what this Retrier left in doubt.
func (p *payment) held(ctx context.Context) (Entry, error) {
	r := p.call.r
	if r.journal == nil {
		return r.doubts.held(p.id), nil
	}
	held, err := r.callJournal(ctx, context.WithoutCancel(ctx), r.reads, func(ctx context.Context) (Entry, error) {
		return r.journal.Begin(ctx, Entry{ID: p.id, Generation: ReadGeneration})
	})
	if err == nil || ctx.Err() == nil {
		r.asked(false, err)
	}
	return held, err
}

// read reads the journal's entry of the operation before anything else, because the outcome
// must be true of earlier processes too.
func (p *payment) read(ctx context.Context) {
	e := protocol.Event{Kind: protocol.HeldNothing, At: clock()}
	held, err := p.held(ctx)
	switch {
	case err != nil:
		e.Kind = p.journalFailed(err)
	case !known(held):
		e.Kind = p.journalFailed(errState)
	case p.another(held):
		e.Kind, e.Open = protocol.HeldOther, held.State == EntryOpen || held.State == EntryApplied
		p.mismatch()
	default:
		p.entry, p.first = held, firstSend(held)
		if e.Quiet = clock(); p.call.r.journal != nil { // which others may share
			e.Quiet = protocol.Later(e.Quiet, protocol.Decide.Quiet(p.takesOf(held)))
		}
		switch held.State {
		case EntryOpen:
			e.Kind, e.Nonce = protocol.HeldOpen, held.Nonce
			p.inherit(e.Quiet)
		case EntryApplied:
			e.Kind = protocol.HeldApplied
			p.call.terms.key, p.call.terms.pinned = held.Key, held.Key != ""
		}
	}
	p.happened(ctx, e)
}

// takesOf returns how long the sender of an entry may take.
func (p *payment) takesOf(held Entry) time.Duration {
	return cmp.Or(max(held.Takes, 0), p.takes(), sendTime)
}

// known reports whether this version knows the state of held, which may be empty.
func known(held Entry) bool {
	return held.State >= EntryOpen && held.State <= EntryNotApplied || held.State == 0 && held.Generation == 0
}

// firstSend returns the time of the first send with an idempotency key. For an open entry
// without one it is the distant past.
func firstSend(held Entry) time.Time {
	if held.State == EntryOpen && held.First.IsZero() || inFuture(held.First) {
		return time.Unix(0, 0)
	}
	return held.First
}

// inFuture reports whether t is further ahead than clocks may differ.
func inFuture(t time.Time) bool { return t.Round(0).Sub(time.Now().Round(0)) > protocol.Clocks }

// age returns the time since the last send that may have taken effect.
func (p *payment) age() time.Duration {
	if p.undated {
		return math.MaxInt64
	}
	return p.doubt.age()
}

// another reports whether the journal holds another operation under the same ID.
func (p *payment) another(held Entry) bool {
	return held.Fingerprint != "" && p.fingerprint != "" && held.Fingerprint != p.fingerprint
}

var (
	errFingerprint = &reason{text: "another operation already has this ID: the fingerprints differ"}
	errState       = &reason{text: "the journal holds the operation in a state that this version does not know"}
	errOvertaken   = &reason{text: "another process has taken over the operation"}
	errSlowJournal = &reason{text: "Begin took too long, so nothing was sent"}
)

func (p *payment) mismatch() {
	p.why = stopped(ErrFixAndResend, errFingerprint)
	p.doubt.Blocked = errFingerprint
}

// inherit takes over a doubt that an earlier process left, or that another process still
// works on. That process may still be sending: its Begin may have taken the full time for a
// journal call, and its send may take the time in its entry. Its clock may differ from
// ours, so all of that time is waited from now.
func (p *payment) inherit(quiet time.Duration) {
	e, c := &p.entry, &p.call
	c.terms.key, c.terms.pinned = e.Key, e.Key != ""
	if c.r.nonces == nil {
		c.terms.key, c.terms.pinned = cmp.Or(e.Key, c.r.key), true
	}
	// A key of idempotency is one of the API key's: it has to be known to be ours.
	p.replays = p.replays && (e.Key != "" || c.r.key == "" && c.r.nonces == nil)
	p.keptUntil()
	p.doubt.Key, p.undated = c.terms.key, inFuture(e.At)
	p.doubt.sent(Sent{At: e.At, Nonce: e.Nonce}, false)
	for _, id := range e.TraceIDs {
		p.doubt.traced(id)
	}
	p.conclusive(quiet - clock())
}

// keptUntil records until when the API keeps the idempotency key, if the operation was sent
// with one that belongs to our API key.
func (p *payment) keptUntil() {
	if p.replays && p.doubt.Resendable.IsZero() && p.first.Unix() > 0 {
		p.doubt.Resendable = p.first.Add(p.state.Window)
	}
}

// journalError wraps an error of the journal. Its text shows only what is safe to log.
func journalError(err error) error { return &reason{"the journal failed: " + redact.Text(err), err} }

// journalFailed records that the state in the journal is unknown.
func (p *payment) journalFailed(err error) protocol.Kind {
	p.doubt.Blocked = journalError(err)
	return protocol.JournalFailed
}

// begin runs before every send, while turn and lease are held. It returns why nothing can
// be sent, if the protocol does not decide that.
func (p *payment) begin(ctx context.Context) *Error {
	c, now := &p.call, time.Now().UTC()
	first := cmp.Or(p.first, now)
	e := Entry{
		ID: p.id, Key: c.terms.key, Fingerprint: cmp.Or(p.fingerprint, p.entry.Fingerprint), State: EntryOpen,
		Generation: p.entry.Generation, At: now, First: first, Takes: p.takes(), TraceIDs: p.doubt.TraceIDs,
	}
	if p.idempotent == 0 { // and so sent without a key that the API keeps
		e.First = time.Time{}
	}
	switch {
	case p.state.Phase == protocol.Closing: // nothing is sent with this one
		e.At, e.Nonce, e.First = p.entry.At, p.entry.Nonce, p.entry.First
	case c.ticket != nil:
		e.Nonce = c.ticket.Nonce()
	}
	p.doubt.Key = c.terms.key
	begun := protocol.Event{Kind: protocol.Begun, Nonce: e.Nonce}
	if c.r.journal == nil {
		p.entry = e
	} else {
		e.Owner = rand.Text()
		held, err := p.write(ctx, e)
		switch {
		case err != nil:
			p.unanswered = append(p.unanswered, e.Owner)
			if ctx.Err() != nil { // nothing was sent: what is held is asked when the turn is given back
				return stoppedBy(ctx, journalError(errUnanswered))
			}
			begun.Kind = p.journalFailed(err)
		case p.stray(held):
			return p.begin(ctx)
		default:
			begun.Kind, begun.Open, begun.Through = p.whose(held, e)
		}
	}
	p.first = first
	p.keptUntil()
	begun.At, begun.Age = clock(), p.age()
	begun.First = protocol.Decide.Age(first, time.Now())
	p.happened(ctx, begun)
	if p.state.Phase == protocol.Unknown && begun.Kind == protocol.Begun {
		p.doubt.Blocked = errTooOld
	}
	return nil
}

// whose determines whose Begin the journal accepted, if not this call's.
func (p *payment) whose(held, asked Entry) (kind protocol.Kind, open, through bool) {
	if protocol.Decide.Taken(protocol.Generation{Number: asked.Generation, Owner: asked.Owner}, protocol.Generation{Number: held.Generation, Owner: held.Owner}) {
		if held.State != EntryOpen {
			return p.journalFailed(errState), false, false
		}
		p.entry = held
		p.entry.At = asked.At // with its monotonic time, as the clock may be set back
		return protocol.Begun, false, false
	}
	if p.another(held) && p.state.Phase == protocol.Clear {
		p.mismatch()
		return protocol.HeldOther, held.State == EntryOpen || held.State == EntryApplied, false
	}
	return p.overtaken(held), false, p.through(held)
}

// through reports whether the operation has happened. Another operation under its ID does
// not count.
func (p *payment) through(held Entry) bool { return held.State == EntryApplied && !p.another(held) }

// stray reports whether held is a Begin of this call that got no answer. If so, the call
// adopts it.
func (p *payment) stray(held Entry) bool {
	if held.State != EntryOpen || !slices.Contains(p.unanswered, held.Owner) {
		return false
	}
	p.entry, p.unanswered = held, nil // the others come too late by now
	return true
}

// overtaken records that another process has taken over: this call must not change the
// entry any more.
func (p *payment) overtaken(held Entry) protocol.Kind {
	p.entry.Key, p.entry.State = held.Key, 0
	p.doubt.Blocked = errOvertaken
	p.conclusive(protocol.Decide.Quiet(p.takesOf(held)))
	return protocol.Overtaken
}

var errUnanswered = &reason{text: "Begin had not returned when the context ended"}

// write calls Begin. Other processes rely on it that nothing is sent when Begin took too
// long, even if it stored the entry in the end.
func (p *payment) write(ctx context.Context, e Entry) (Entry, error) {
	began := clock()
	held, err := p.call.r.callJournal(ctx, ctx, nil, func(ctx context.Context) (Entry, error) { return p.call.r.journal.Begin(ctx, e) })
	if err == nil && !protocol.Decide.InTime(clock()-began) {
		err = errSlowJournal
	}
	if err == nil || ctx.Err() == nil {
		p.call.r.asked(true, err)
	}
	return held, err
}

// A journalTrouble is why the last call of the journal failed.
type journalTrouble struct {
	text  string
	write bool // it was a write: a read that succeeds proves nothing about the next one
}

// asked records for Stats how a call of the journal ended. ErrBusy is an answer of it.
func (r *Retrier) asked(write bool, err error) {
	if err != nil && !errors.Is(err, ErrBusy) {
		r.trouble.Store(&journalTrouble{redact.Text(err), write})
		return
	}
	if was := r.trouble.Load(); was != nil && (write || !was.write) { // a store in each call would cost more
		r.trouble.Store(nil)
	}
}
