package protocol_test

import (
	"time"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// look goes on to what Verify may answer, or to the end of the looking.
func (x *walk) look(w *world, i int) {
	p := &w.procs[i]
	nonces := []int8{0}
	if x.set.strict {
		nonces = []int8{2*w.used() + 1}
		if low := nonces[0] - 2; low < p.notes.fence && low > 0 {
			nonces = append(nonces, low) // by a clock that is behind
		}
		nonces = append(nonces, -nonces[0]) // on another key
	}
	for _, n := range nonces {
		x.ask(w, i, n)
	}
	if !x.set.strict && !w.shown() {
		next := *w
		next.procs[i].asked = -1
		x.hears(&next, i, absent, "hears what it asked before")
	}
	if _, ok := x.decide.Found(false, true, true); ok {
		next := *w
		next.procs[i].nonce = nonces[0]
		x.hears(&next, i, absent, "hears of an error besides an Absent")
	}
	if k, ok := x.decide.Found(true, false, true); !ok || k != protocol.FoundApplied {
		x.blame("M4: Applied is believed, whatever comes with it")
	}
	if x.decide.EndsLooking(true, false) || x.decide.EndsLooking(false, true) {
		x.blame("M5: only the API's own word ends the looking")
	}
	x.step(w, i, protocol.Event{Kind: protocol.GaveUp}, "gives up")
}

// ask is a lookup. The answer comes at once, or takes its time.
func (x *walk) ask(w *world, i int, n int8) {
	next := *w
	if x.set.strict && n > 0 {
		if n < w.high {
			return // refused
		}
		next.fence(n)
	}
	p := &next.procs[i]
	p.nonce = n
	a := absent
	if w.shown() {
		a = present
	}
	x.hears(&next, i, a, "looks")
	if n != 0 && n != 2*w.used()+1 || w.procs[1-i].at == looking {
		return
	}
	p.at, p.answer = looking, a
	x.next(&next, "is answered slowly")
}

func (x *walk) hears(now *world, i int, a found, what string) {
	next := *now
	w := &next
	p := &w.procs[i]
	e := protocol.Event{
		Kind: protocol.FoundAbsent, Asked: time.Duration(p.asked) * tick, Nonce: uint64(max(p.nonce, -p.nonce)), Same: p.nonce >= 0, Age: p.age(),
	}
	if a == present {
		e.Kind = protocol.FoundApplied
	}
	p.at, p.asked, p.nonce, p.answer = idle, 0, 0, unasked
	x.step(w, i, e, what)
}

// fetch asks for the value of a payment that is through.
func (x *walk) fetch(w *world, i int) {
	if w.shown() {
		x.step(w, i, protocol.Event{Kind: protocol.FoundApplied}, "gets the value")
	}
	x.step(w, i, protocol.Event{Kind: protocol.GaveUp}, "does not get the value")
}

// close has the journal hold that it did not happen.
func (x *walk) close(w *world, i int) {
	p := &w.procs[i]
	fails := protocol.Event{Kind: protocol.JournalFailed, Old: true}
	switch mine := p.current && w.journal.state != applied; {
	case x.set.alone:
		x.step(w, i, protocol.Event{Kind: protocol.Closed}, "is done")
	case p.foreign:
		x.begin(w, i)
	case !p.open: // it wrote nothing
		x.step(w, i, fails, "cannot read the journal")
		x.compare(w, i)
	default:
		fails.Old = time.Duration(p.begun)*tick > x.decide.Quiet(takes*tick)
		if p.notes.ever { // then its age must not matter
			x.step(w, i, protocol.Event{Kind: protocol.JournalFailed}, "cannot end")
		}
		x.step(w, i, fails, "cannot end")
		if !mine {
			next := *w
			next.procs[i].open = false
			x.compare(&next, i)
			return
		}
		next := *w
		next.journal.state = notApplied
		x.step(&next, i, fails, "does not hear that it has ended")
		x.step(&next, i, protocol.Event{Kind: protocol.Closed}, "ends")
	}
}

func (x *walk) compare(w *world, i int) {
	e := protocol.Event{Kind: protocol.Closed}
	if !w.procs[i].current || w.journal.state == open {
		e = protocol.Event{Kind: protocol.Overtaken, Through: w.journal.state == applied}
	}
	x.step(w, i, e, "compares with the journal")
}
