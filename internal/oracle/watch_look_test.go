package oracle_test

import (
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// looking is the moment before a lookup leaves.
func (w *watch) looking(m *message, apart bool) *lookup {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	if !apart {
		w.rising(m)
	}
	if w.word {
		w.violate("M5", "looked again, and the API had said that it is no use")
	}
	l := &lookup{key: m.key, nonce: m.nonce, began: world.now(), alone: true, apart: apart}
	for _, c := range world.calls {
		l.alone = l.alone && (c == w.call || c.id != w.call.id || !c.watch.maySend(world.now()) || c.watch.at > w.held.Generation)
	}
	return l
}

// maySend reports whether the call sends, or is about to. Who waits for the journal
// beyond its time does not any more, whatever it will say; and of who stands still
// nobody can know: nonces have to do.
func (w *watch) maySend(now time.Duration) bool {
	return w.at != 0 && !w.call.proc.gone && !w.stands && (w.out || now-w.asked <= journalTime)
}

// looked is the moment when Verify returns.
func (w *watch) looked(l *lookup, outcome retry.Outcome, err error) {
	world := w.call.w
	world.mu.Lock()
	defer world.mu.Unlock()
	l.ended = world.now()
	w.applied = w.applied || outcome == retry.Applied
	if e, ok := err.(*classify.Error); ok && e != nil && outcome != retry.Applied && !l.apart {
		w.word = w.word || fatalWord(err)
	}
	if outcome != retry.Absent || err != nil {
		return
	}
	w.absent = w.absent || w.last != nil && l.key == w.last.key && l.nonce > w.last.nonce && l.began >= w.lastEnd && !l.apart
	switch {
	case !w.doubt || !w.counts(l):
	case w.first == nil:
		w.first, w.genThen = l, w.gen
	case l.began >= add(w.first.ended, world.settle) && !w.settled:
		w.settled, w.settledAt = true, l.ended
		for _, s := range world.sends {
			s.settled = s.settled || w.concerns(s)
		}
	}
}

// concerns reports whether the call's doubt is about s: its own sends, and those
// that the journal or the Retrier's memory has told it of, or has forgotten.
func (w *watch) concerns(s *send) bool {
	return w.of(s) || w.call.w.journal && s.m.id == w.call.id && (s.gen <= w.gen || w.call.lookFirst())
}

// counts reports whether an Absent is worth something: it stands behind all that
// was sent, and nobody can be sending any more.
func (w *watch) counts(l *lookup) bool {
	return (l.key == w.key || w.key == "") && l.nonce > w.fence && l.began >= w.quiet && l.alone && !l.apart
}
