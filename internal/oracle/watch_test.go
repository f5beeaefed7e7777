package oracle_test

import (
	"context"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// A watch follows one call and holds it to the rules while it goes on. It knows
// of the call what the call can know, and beyond that what is true.
type watch struct {
	call  *call
	sends []*send

	// What the journal has told the call.
	asked   time.Duration // when it was asked last
	read    bool
	held    retry.Entry  // at first
	gen     int64        // the highest generation that it knows of
	open    *retry.Entry // that it has made, and not sent with yet
	made    bool         // it has made one
	beaten  bool         // another one's Begin came first
	foreign bool         // and it was for another operation under this ID
	failed  bool         // the journal has, so that the call knows nothing
	closed  []retry.EntryState

	// Whether what it was at may have happened.
	doubt     bool
	ever      bool
	told      bool          // of this doubt, by an event
	fence     uint64        // the highest nonce sent with
	key       string        // of the sends
	pinned    bool          // there is one
	since     time.Duration // when the send in doubt began
	quiet     time.Duration // when it was over
	bound     time.Duration // until when another process may be sending, for all that this one can know
	first     *lookup       // that counts as Absent
	genThen   int64         // gen at that time
	settled   bool          // there was a second, Settle later …
	settledAt time.Duration // … and that was then
	absent    bool          // Absent was seen since the last send

	applied bool  // Verify has said so
	success bool  // Send has returned one
	out     bool  // a send is
	at      int64 // the generation that it begins or sends in, 0 if it does neither
}

// A send is one run of Send.
type send struct {
	by      *call
	n       int
	m       *message
	gen     int64
	start   time.Duration
	settled bool // proved, or found out by lookups, to have changed nothing
}

func (s *send) String() string { return fmt.Sprintf("send %d of call %d", s.n, s.by.n) }

// A lookup is one run of Verify.
type lookup struct {
	key          string
	nonce        uint64
	began, ended time.Duration
	alone        bool // nobody was still sending what is in doubt
}

func (w *watch) violate(rule, format string, args ...any) {
	w.call.w.violate(rule, "%v: %s", w.call, fmt.Sprintf(format, args...))
}

// sending is the moment before a request leaves.
func (w *watch) sending(ctx context.Context, m *message) *send {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	s := &send{by: w.call, n: len(w.sends) + 1, m: m, start: world.now()}
	m.of = s
	w.rising(m)
	w.mayBegin(ctx, s)
	w.oneKey(m)
	w.mayResend()
	w.nobodyElses()
	w.doubt, w.first, w.settled, w.absent = false, nil, false, false
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
	e := w.open
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
	case w.call.w.store.held[w.call.id].Generation != e.Generation:
		w.violate("M6", "sent in generation %d, when the journal was at %d", e.Generation, w.call.w.store.held[w.call.id].Generation)
	}
	if t, ok := nonce.FromContext(ctx); ok && t.Nonce() != e.Nonce {
		w.violate("M6", "begun with nonce %d, sent with %d", e.Nonce, t.Nonce())
	}
	s.gen = e.Generation
}

func (w *watch) otherPrint() bool {
	return w.foreign || w.held.Generation > 0 && w.differs(w.held)
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

// mayResend is M3 to M5: what is in doubt is sent again only after two lookups.
func (w *watch) mayResend() {
	switch {
	case w.success:
		w.violate("M3", "sent again after a success")
	case !w.doubt:
	case w.call.w.verify == missing:
		w.violate("M5", "sent again in doubt, and nobody can look")
	case w.first == nil:
		w.violate("M4", "sent again in doubt, without any Absent that counts")
	case !w.settled:
		w.violate("M4", "sent again in doubt, without a second Absent %v after the first", w.call.w.settle)
	case w.call.w.now()-w.since > time.Hour+journalTime: // it is looked at before the journal is asked
		w.violate("M5", "sent again in doubt that was %v old", w.call.w.now()-w.since)
	}
}

// nobodyElses is what the journal is for: whatever others have sent before has to
// have been settled, by them or by this call.
func (w *watch) nobodyElses() {
	if !w.call.w.journal {
		return
	}
	for _, s := range w.call.w.sends {
		if s.by != w.call && s.m.id == w.call.id && !s.settled {
			w.violate("M6", "sent, though %v is not settled", s)
		}
	}
}

// sent is the moment when Send returns.
func (w *watch) sent(s *send, a answer) {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	w.at, w.out = 0, false
	switch {
	case a.shape == nil:
		w.success = true
	case a.shape.proves(world.noReplay):
		s.settled = true
	default:
		w.doubt, w.ever, w.told = true, true, false
		w.fence = max(w.fence, s.m.nonce)
		w.since, w.quiet = s.start, world.now()
	}
}

// looking is the moment before a lookup leaves.
func (w *watch) looking(m *message) *lookup {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	w.rising(m)
	l := &lookup{key: m.key, nonce: m.nonce, began: world.now(), alone: true}
	for _, c := range world.calls {
		l.alone = l.alone && (c == w.call || c.id != w.call.id || !c.watch.maySend(world.now()) || c.watch.at > w.held.Generation)
	}
	return l
}

// maySend reports whether the call sends, or is about to. Who waits for the journal
// beyond its time does not any more, whatever it will say.
func (w *watch) maySend(now time.Duration) bool {
	return w.at != 0 && !w.call.proc.gone && (w.out || now-w.asked <= journalTime)
}

// looked is the moment when Verify returns.
func (w *watch) looked(l *lookup, outcome retry.Outcome, err error) {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	l.ended = world.now()
	w.applied = w.applied || outcome == retry.Applied
	if outcome != retry.Absent || err != nil {
		return
	}
	w.absent = true
	switch {
	case !w.doubt || !w.counts(l):
	case w.first == nil:
		w.first, w.genThen = l, w.gen
	case l.began >= w.first.ended+world.settle && !w.settled:
		w.settled, w.settledAt = true, l.ended
		for _, s := range world.sends {
			s.settled = s.settled || w.concerns(s)
		}
	}
}

// concerns reports whether the call's doubt is about s: its own sends, and those
// that the journal has told it of.
func (w *watch) concerns(s *send) bool {
	return s.by == w.call || w.call.w.journal && s.m.id == w.call.id && s.gen <= w.gen
}

// counts reports whether an Absent is worth something: it stands behind all that
// was sent. That another process is still sending nobody can know who has no bound
// on how long that takes; then the nonces have to do.
func (w *watch) counts(l *lookup) bool {
	return l.key == w.key && l.nonce > w.fence && l.began >= w.quiet && (l.alone || w.call.w.timeout == 0)
}

// fixed is M7.
func (w *watch) fixed() {
	if w.ever {
		w.violate("M7", "Fix was asked after doubt")
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
	c.tracef("event: %v %v", e.Kind, e.Outcome)
	switch e.Kind {
	case retry.EventDoubt:
		// Causes are a send, one that panics or exits, a journal that fails, and a denial after doubt.
		if w := c.watch; !w.doubt && !w.out && !w.failed && !w.ever {
			c.violate("timid", "in doubt without cause")
		}
		c.watch.told = true
	case retry.EventSettled:
		if e.Outcome == retry.Absent && c.watch.doubt && !c.watch.settled {
			c.violate("M4", "out of doubt without two Absents")
		}
	}
}

// beginning is the moment before the journal is asked.
func (w *watch) beginning(e retry.Entry) {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	switch reading := e.Generation == retry.ReadGeneration; {
	case e.ID != w.call.id:
		w.violate("M6", "Begin of %q", e.ID)
	case !w.read && !reading:
		w.violate("M6", "Begin before the journal was read")
	case !reading && e.State != retry.EntryOpen:
		w.violate("M6", "Begin with an entry that is %v", e.State)
	}
	w.open, w.asked = nil, world.now()
	if e.Generation != retry.ReadGeneration {
		w.at = e.Generation + 1
	}
}

// begun is the moment when the journal has answered.
func (w *watch) begun(e, held retry.Entry, err error) {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	reading := e.Generation == retry.ReadGeneration
	switch {
	case err != nil, !reading && world.now()-w.asked > journalTime: // too late is as good as not
		w.failed, w.at = true, 0
	case reading && w.read:
		if held.Generation > w.gen { // of a call that is at it, or was: a Begin may land after its process has died
			w.beaten, w.foreign = true, w.differs(held)
		}
		w.gen = held.Generation
	case reading:
		w.read, w.held, w.gen = true, held, held.Generation
		if held.State == retry.EntryOpen && !w.otherPrint() {
			w.inherit(held)
		}
	case held.Owner == e.Owner && held.Generation == e.Generation+1:
		w.open, w.made, w.gen = &held, true, held.Generation
	default:
		w.beaten, w.gen, w.at = true, max(w.gen, held.Generation), 0
		w.foreign = w.differs(held)
	}
}

// journalTime is how long the engine waits for a journal.
const journalTime = 5 * time.Second

// inherit takes over what another call has left open.
func (w *watch) inherit(e retry.Entry) {
	w.doubt, w.ever = true, true
	w.fence, w.since = e.Nonce, e.At.Sub(w.call.w.start)
	w.bound = w.call.w.now() + journalTime + w.call.w.timeout
	w.key, w.pinned = e.Key, true
	if e.Key == "" {
		w.key = w.call.proc.key
	}
}

// ending is the moment before the journal is told.
func (w *watch) ending(ctx context.Context, e retry.Entry) {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	w.closed = append(w.closed, e.State)
	if ctx.Err() != nil {
		w.violate("M8", "End with a context that is over")
	}
	if e.Generation != w.gen {
		w.violate("M6", "End of generation %d, having begun or found %d", e.Generation, w.gen)
	}
}

// interrupted is the end of a call by a panic or an exit in Send.
func (w *watch) interrupted() {
	w.at, w.out = 0, false
	for _, state := range w.closed {
		if state != retry.EntryOpen {
			w.violate("M8", "closed as %v, having panicked", state)
		}
	}
}
