package retry

import (
	"context"
	"errors"
	"time"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// close records in the journal that the operation did not happen, and checks whether
// another process has taken it over.
func (p *payment) close(ctx context.Context) {
	switch {
	case p.call.r.journal == nil:
		p.happened(ctx, protocol.Event{Kind: protocol.Closed, At: clock()})
	case p.state.Foreign: // its first owner must not send it any more
		if why := p.begin(context.WithoutCancel(ctx)); why != nil {
			p.happened(ctx, protocol.Event{Kind: protocol.JournalFailed, At: clock(), Old: true})
		}
	case p.entry.State == EntryOpen:
		p.closeOwn(ctx)
	default: // this call wrote nothing
		p.compare(ctx)
	}
}

func (p *payment) closeOwn(ctx context.Context) {
	e := protocol.Event{Kind: protocol.Closed}
	switch err := p.finish(ctx, EntryNotApplied); {
	case errors.Is(err, ErrBusy):
		p.entry.State = 0 // as if this call had written nothing
		p.compare(ctx)
		return
	case err != nil:
		e.Kind = p.journalFailed(err)
		e.Old = p.unanswered != nil || protocol.Decide.Age(p.entry.At, time.Now()) > protocol.Decide.Quiet(p.entry.Takes)
	}
	e.At = clock()
	p.happened(ctx, e)
}

// compare is closeOwn for a call that wrote nothing: the journal must hold what it held
// when it was read.
func (p *payment) compare(ctx context.Context) {
	e := protocol.Event{Kind: protocol.Closed}
	switch held, err := p.held(ctx); {
	case err != nil:
		e.Kind, e.Old = p.journalFailed(err), true
	case held.Generation == p.entry.Generation && (held.State == EntryNotApplied || held.Generation == 0):
	case p.stray(held): // to be closed
		return
	case p.another(held) && held.State != EntryNotApplied: // under whose fingerprint nobody can say what happened to this one
		e.Kind, e.Old = protocol.JournalFailed, true
		p.doubt.Blocked = errFingerprint
	default:
		e.Kind, e.Through = p.overtaken(held), p.through(held)
	}
	e.At = clock()
	p.happened(ctx, e)
}

// book records the state of the operation in the journal. If the journal fails, the outcome
// stands.
func (p *payment) book(ctx context.Context, state EntryState) {
	if p.call.r.journal == nil || p.entry.State != EntryOpen {
		return
	}
	err := p.finish(ctx, state)
	if errors.Is(err, ErrBusy) && (p.unanswered != nil || state == EntryOpen) {
		held, _ := p.held(ctx)
		if p.stray(held) {
			err = p.finish(ctx, state)
		} else if state == EntryOpen { // another process may be sending it now
			p.conclusive(protocol.Decide.Quiet(p.takesOf(held)))
		}
	}
	if errors.Is(err, ErrBusy) && state == EntryApplied { // somebody else's Begin is news
		p.tellJournal(ctx, err)
	}
}

// finish calls End, even if ctx has ended.
func (p *payment) finish(ctx context.Context, state EntryState) error {
	e := p.entry
	e.State, e.TraceIDs = state, p.doubt.TraceIDs
	r, ctx := p.call.r, context.WithoutCancel(ctx)
	_, err := r.callJournal(ctx, ctx, r.ends, func(ctx context.Context) (Entry, error) { return e, r.journal.End(ctx, e) })
	r.asked(true, err)
	if err != nil && !errors.Is(err, ErrBusy) {
		p.tellJournal(ctx, err)
	}
	return err
}

func (p *payment) tellJournal(ctx context.Context, err error) {
	if p.call.r.onEvent != nil {
		e := p.call.event(EventJournal)
		e.Error = journalError(err).Error()
		p.call.tellObserver(ctx, e)
	}
}
