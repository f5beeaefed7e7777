package oracle_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// journalTime is how long the engine waits for a journal.
const journalTime = 5 * time.Second

// beginning is the moment before the journal is asked.
func (w *watch) beginning(e retry.Entry) {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	reading := e.Generation == retry.ReadGeneration
	switch {
	case e.ID != w.call.id:
		w.violate("M6", "Begin of %q", e.ID)
	case !w.read && !reading:
		w.violate("M6", "Begin before the journal was read")
	case !reading && e.State != retry.EntryOpen:
		w.violate("M6", "Begin with an entry that is %v", e.State)
	}
	if w.open = nil; reading || e.Owner != w.owner { // and not once more
		w.asked = world.now()
	}
	if !reading {
		w.at, w.owner, w.owners = e.Generation+1, e.Owner, append(w.owners, e.Owner)
	}
}

// begun is the moment when the journal has answered.
func (w *watch) begun(e, held retry.Entry, err error) {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	reading := e.Generation == retry.ReadGeneration
	w.failed = err != nil || !reading && world.now()-w.asked > journalTime // too late is as good as not
	w.lost = w.lost || w.failed
	w.failing = w.failing || w.failed
	w.unbegun = w.failed && (!reading || !w.read) || w.unbegun && reading
	switch {
	case w.failed:
		w.at = 0
	case reading && w.read:
		switch own := slices.Contains(w.owners, held.Owner); {
		case held.Generation > w.gen && own: // its answer was lost
			w.made = true
		case held.Generation > w.gen: // of a call that is at it, or was: a Begin may land after its process has died
			w.beaten, w.foreign = true, w.differs(held)
		}
		w.gen = held.Generation
	case reading:
		w.read, w.held, w.gen = true, held, held.Generation
		w.inherit(held)
	case held.Owner == e.Owner && held.Generation == e.Generation+1:
		w.open, w.made, w.gen = &held, true, held.Generation
	case slices.Contains(w.owners, held.Owner): // one that landed late
		w.made, w.gen, w.genThen, w.at = true, held.Generation, held.Generation, 0
	default:
		w.beaten, w.late, w.gen, w.at = true, true, max(w.gen, held.Generation), 0
		if w.foreign = w.differs(held); w.foreign {
			w.other = held.State
		}
	}
	w.through = !w.failed && w.beaten && !w.foreign && held.State == retry.EntryApplied
}

// unread reports whether Recover was ended before this call's turn to read came.
func (w *watch) unread() bool { return w.call.plan.sweep && !w.read }

// inherit takes over what another call has left open, or may have.
func (w *watch) inherit(e retry.Entry) {
	world := w.call.w
	switch {
	case e.State == retry.EntryOpen && !w.otherPrint():
		w.fence, w.since = e.Nonce, world.store.begun[begin{e.ID, e.Generation}]
		w.key, w.pinned = e.Key, true
		if w.key == "" {
			w.key = w.call.proc.key
		}
	case e.State != retry.EntryOpen && e.State != retry.EntryApplied && !w.otherPrint() && w.call.lookFirst(): // on which key nobody knows
		w.since = world.now()
	default:
		return
	}
	w.doubt, w.ever, w.inherited = true, true, true
	if world.journal {
		w.bound = world.now() + journalTime + max(e.Takes, world.takes())
	}
}

// ending is the moment before the journal is told.
func (w *watch) ending(ctx context.Context, e retry.Entry) {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	if ctx.Err() != nil {
		w.violate("M8", "End with a context that is over")
	}
	if e.Generation != w.gen && !w.beaten {
		w.violate("M6", "End of generation %d, having begun or found %d", e.Generation, w.gen)
	}
}

// ended is the moment when the journal has answered to that.
func (w *watch) ended(e retry.Entry, err error) {
	w.call.w.mu.Lock()
	defer w.call.w.mu.Unlock()
	w.closed = append(w.closed, ending{e.State, err})
	w.failed = w.failed && err != nil                                       // an End that was taken tells what is held, as a read does
	ours := slices.Contains(w.owners, w.call.w.store.held[w.call.id].Owner) // a Begin that landed late
	w.beaten = w.beaten || errors.Is(err, retry.ErrBusy) && !ours
	w.failing = w.failing || err != nil && !w.beaten
	w.unended = w.unended || err != nil && !w.beaten && e.State != retry.EntryOpen
}

// goneOn reports whether others may have gone on with what this call began: the time
// is over that they have to wait for, or they need not wait. The call itself counts
// from before its Begin, which may be earlier by so much.
func (w *watch) goneOn(earlier time.Duration) bool {
	world := w.call.w
	since := world.now() - world.store.begun[begin{w.call.id, w.gen}]
	return since+earlier > add(world.takes(), journalTime) || world.keep-add(world.takes(), world.settle) > clocks
}

// closedRight is M8: the journal has been told.
func (w *watch) closedRight() {
	open := w.made || w.held.State == retry.EntryOpen && !w.otherPrint()
	if !w.call.w.journal || !open || w.beaten || errors.Is(w.call.err, retry.ErrBusy) {
		return
	}
	want := retry.EntryNotApplied
	switch err := w.call.err; {
	case err == nil, errors.Is(err, retry.ErrApplied):
		want = retry.EntryApplied
	case errors.Is(err, retry.ErrOutcomeUnknown):
		want = retry.EntryOpen
	}
	if w.failed && !w.made && want == retry.EntryNotApplied {
		w.violate("M6", "what the journal holds nobody knows, and the answer is %v", w.call.err)
	}
	if len(w.closed) > 8 { // twice: not applied, or else open
		w.violate("M8", "the journal was told %d times", len(w.closed))
	}
	tried, right := false, false
	for _, e := range w.closed {
		tried = tried || e.state == want
		right = right || e.state == want && e.err == nil
		if e.err == nil && e.state != want {
			w.violate("M8", "the answer is %v, the journal was told %v", w.call.err, e.state)
		}
	}
	switch {
	case want == retry.EntryApplied && w.call.w.store.held[w.call.id].State == want: // by another call, maybe
	case !tried && !w.failed, !right && !w.failing:
		w.violate("M8", "the answer is %v, the journal was told %v", w.call.err, w.closed)
	case want == retry.EntryNotApplied && w.made && !right && w.goneOn(0):
		w.violate("M8", "not applied, which the journal does not hold, and others may have gone on: %v", w.call.err)
	case want == retry.EntryNotApplied && w.ever && !right:
		w.violate("M8", "not applied, which the journal does not hold: %v", w.call.err)
	case want == retry.EntryNotApplied && w.inherited && !w.made:
		w.violate("M6", "not applied, and its first owner may still send it: %v", w.call.err)
	}
}
