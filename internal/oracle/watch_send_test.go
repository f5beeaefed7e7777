package oracle_test

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// sending is the moment before a request leaves.
func (w *watch) sending(ctx context.Context, m *message) *send {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	s := &send{by: w.call, n: len(w.sends) + 1, m: m, start: world.now(), replay: w.doubt && !w.settled}
	m.of = s
	if _, known := world.bank.first[m.id]; !known {
		world.bank.first[m.id] = s.start
	}
	w.rising(m)
	w.mayBegin(ctx, s)
	w.oneKey(m)
	w.mayResend(s)
	w.nobodyElses(s)
	w.doubt, w.first, w.settled, w.absent, w.word = s.replay, nil, false, false, false
	w.sends, w.out = append(w.sends, s), true
	world.sends = append(world.sends, s)
	return s
}

// rising is N1 and N2. Where several are in flight, or the operation draws its
// own, they may overtake each other, but never use one twice.
func (w *watch) rising(m *message) {
	p := w.call.proc
	if w.call.w.source == ownNonces {
		return
	}
	if m.nonce <= p.highest[m.key] && (w.call.w.inFlight == 1 || p.used[m.key][m.nonce]) {
		w.violate("N1", "nonce %d on %s after %d", m.nonce, m.key, p.highest[m.key])
	}
	p.highest[m.key] = max(p.highest[m.key], m.nonce)
	if p.used[m.key] == nil {
		p.used[m.key] = map[uint64]bool{}
	}
	p.used[m.key][m.nonce] = true
}

// mayBegin is M6.
func (w *watch) mayBegin(ctx context.Context, s *send) {
	if !w.call.w.journal {
		return
	}
	e, now := w.open, w.call.w.store.held[w.call.id]
	w.open = nil
	switch {
	case e == nil:
		w.violate("M6", "sent without a Begin of its own")
		return
	case e.Key != "" && e.Key != s.m.key:
		w.violate("M6", "begun on %q, sent on %q", e.Key, s.m.key)
	case w.held.State == retry.EntryApplied:
		w.violate("M6", "sent, though the journal had it as applied")
	case w.otherPrint():
		w.violate("M6", "sent, though the journal had another operation under this ID")
	case w.settled && e.Generation != w.genThen+1:
		w.violate("M6", "generation %d follows %d, which was not what the first Absent was about", e.Generation, w.genThen)
	case now.Generation != e.Generation && w.call.w.keep == 0: // a replay waits for nobody
		w.violate("M6", "sent in generation %d, when the journal was at %d", e.Generation, now.Generation)
	case e.Takes < w.call.w.timeout || e.Takes <= 0:
		w.violate("M6", "the entry says that a send takes %v", e.Takes)
	}
	// The entry of a replay keeps the highest nonce of all, a call inside draws a higher one.
	if t, ok := nonce.FromContext(ctx); ok && (t.Nonce() < e.Nonce && !s.replay || t.Nonce() > e.Nonce && w.call.w.nests == 0) {
		w.violate("M6", "begun with nonce %d, sent with %d", e.Nonce, t.Nonce())
	}
	s.gen = e.Generation
}

func (w *watch) otherPrint() bool {
	return w.foreign || w.held.State != 0 && w.differs(w.held)
}

func (w *watch) differs(held retry.Entry) bool {
	return held.Fingerprint != w.call.operation().Fingerprint
}

// oneKey is M9.
func (w *watch) oneKey(m *message) {
	if w.pinned && w.key != m.key {
		w.violate("M9", "sent on %q, before that on %q", m.key, w.key)
	}
	w.pinned, w.key = true, m.key
}

// mayResend is M3 to M5, and M10: what is in doubt is sent again only after two
// lookups, or while the bank keeps it from happening twice.
func (w *watch) mayResend(s *send) {
	world := w.call.w
	switch {
	case w.success:
		w.violate("M3", "sent again after a success")
	case !w.doubt:
	case s.replay && world.keep > 0:
		last := world.lastReplay(w.call.id)
		if !world.skewed {
			last -= clocks // nobody's differ, but who knows
		}
		if w.call.sendBegan >= last {
			w.violate("M10", "a replay at %v, and the bank keeps keys until %v", s.start, add(world.bank.first[w.call.id], world.keep))
		}
	case world.verify == missing:
		w.violate("M5", "sent again in doubt, and nobody can look")
	case w.first == nil:
		w.violate("M4", "sent again in doubt, without any Absent that counts")
	case !w.settled:
		w.violate("M4", "sent again in doubt, without a second Absent %v after the first", world.settle)
	case w.call.sendBegan-w.since > time.Hour && !world.skewed, w.call.sendBegan-w.since > time.Hour+clocks:
		w.violate("M5", "sent again in doubt that was %v old", world.now()-w.since)
	}
}

// clocks is by how much those of two processes may differ.
const clocks = time.Minute

// lastReplay is when a replay is too late: a copy of it, on its way for as long as
// anything may be, would not find the key any more.
func (w *world) lastReplay(id string) time.Duration {
	return add(w.bank.first[id], w.keep) - add(w.takes(), w.settle)
}

// nobodyElses is what the journal is for: whatever others have sent before has to
// have been settled, by them or by this call.
func (w *watch) nobodyElses(s *send) {
	if !w.call.w.journal || s.replay {
		return
	}
	for _, o := range w.call.w.sends {
		racing := o.replay && s.start < w.call.w.lastReplay(w.call.id) // which waits for nobody, and harms nobody
		if o.by != w.call && o.m.id == w.call.id && !o.settled && !racing {
			w.violate("M6", "sent, though %v is not settled", o)
		}
	}
}

// sent is the moment when Send returns.
func (w *watch) sent(s *send, a answer) {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	w.at, w.out = 0, false
	w.last, w.lastEnd, w.lastShape = s.m, world.now(), a.shape
	switch {
	case a.shape == nil:
		w.success = true
		return
	case a.shape.proves(w.call.line, world.noReplay):
		s.settled = true
	default:
		w.doubt, w.ever, w.told = true, true, w.told && s.replay // which begins no new doubt
		w.since = s.start
	}
	if w.doubt { // or the refusal is that of a replay
		w.fence = max(w.fence, s.m.nonce)
		w.quiet = world.now()
	}
}

// event hears what the engine tells.
func (w *world) event(ctx context.Context, e retry.Event) {
	c := callOf(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.proc.gone {
		return
	}
	c.step()
	c.tracef("event: %v %v; %s", e.Kind, e.Outcome, e.Rule)
	c.watch.event(e)
}

func (w *watch) event(e retry.Event) {
	if n := len(w.rows); e.Rule != "" && (n == 0 || w.rows[n-1] != e.Rule) {
		w.rows = append(w.rows, e.Rule)
	}
	switch e.Kind {
	case retry.EventDoubt:
		// Causes are a send, one that panics or exits, a journal that fails, another
		// operation in it, and a denial after doubt.
		if !w.doubt && !w.out && !w.failing && !w.unread() && !w.otherPrint() && (!w.ever || !w.lastShape.final()) {
			w.violate("timid", "in doubt without cause")
		}
		w.told = true
	case retry.EventSettled:
		if e.Outcome == retry.Absent && w.doubt && !w.settled {
			w.violate("M4", "out of doubt without two Absents")
		}
	}
}
