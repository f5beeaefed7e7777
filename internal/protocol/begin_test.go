package protocol_test

import (
	"time"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// begin asks the journal. A send is to follow, but where it is closing.
func (x *walk) begin(w *world, i int) {
	next := *w
	p := &next.procs[i]
	p.slot = -1
	if p.phase != protocol.Closing {
		p.slot, p.known = w.used(), true
	}
	if !x.set.alone {
		failed := next
		failed.procs[i].replays = false
		x.step(&failed, i, protocol.Event{Kind: protocol.JournalFailed}, "cannot begin")
		if !p.current || w.journal.state == applied {
			x.overtaken(&next, i)
			return
		}
	}
	if p.slot >= x.set.sends() {
		return
	}
	p.at, p.took = beginning, 0
	if p.slot >= 0 {
		p.begun = 0
		next.sends[p.slot] = sent{status: pending, left: -1}
		next.first = max(next.first, 0)
	}
	if x.set.alone {
		p.at = idle
		x.begins(&next, i, true)
		x.next(&next, "sends")
		return
	}
	next.journal = journal{state: open, by: int8(i) + 1, nonce: w.journal.nonce}
	if p.slot >= 0 {
		next.journal.nonce = x.set.nonce(p.slot)
	}
	p.current = false // until it hears of it
	next.procs[1-i].current = false
	x.next(&next, "begins")
}

// overtaken is the journal's answer to a Begin that somebody else's came before.
func (x *walk) overtaken(w *world, i int) {
	p := &w.procs[i]
	e := protocol.Event{Kind: protocol.Overtaken, Through: w.journal.state == applied}
	for _, number := range []int64{0, 1, 2} {
		if p.slot < x.set.sends() && x.decide.Taken(protocol.Generation{Owner: "this"}, protocol.Generation{Number: number, Owner: "another"}) {
			lost := *w
			x.begins(&lost, i, false)
			x.next(&lost, "takes another's Begin for its own")
		}
	}
	if x.another(w, i) && p.phase == protocol.Clear {
		e = protocol.Event{Kind: protocol.HeldOther, Open: w.journal.state != notApplied}
	}
	p.open = false
	x.step(w, i, e, "is too late to begin")
}

// heard is the journal's answer to a Begin that it has stored.
func (x *walk) heard(w *world, i int) {
	next := *w
	p := &next.procs[i]
	took := p.took
	p.at, p.took = idle, 0
	if x.decide.InTime(time.Duration(took) * tick) {
		mine := next
		mine.procs[i].current = w.journal.by == int8(i)+1
		x.begins(&mine, i, took <= 1)
		x.next(&mine, "has begun")
	}
	if p.slot >= 0 {
		next.sends[p.slot] = sent{status: dead, left: -1}
	}
	p.slot, p.replays = 0, false
	x.feed(&next, i, protocol.Event{Kind: protocol.JournalFailed})
	x.next(&next, "does not hear in time that it has begun")
}

// begins is what follows a Begin. fair is whether the process may go on that.
func (x *walk) begins(w *world, i int, fair bool) {
	p := &w.procs[i]
	slot, from := p.slot, p.phase
	p.open = true
	e := protocol.Event{Kind: protocol.Begun, Age: p.age(), First: time.Duration(w.first) * tick}
	if p.slot >= 0 {
		e.Nonce = uint64(x.set.nonce(slot))
	}
	p.slot = 0
	x.feed(w, i, e)
	if p.phase == protocol.Sending && slot < 0 {
		x.blame("M8: sends when it is closing")
	} else if p.phase == protocol.Sending {
		p.at, p.slot = sending, slot
		w.sends[slot] = sent{status: flight, way: true, by: int8(i) + 1, left: takes}
		x.sends(w, i, from == protocol.Doubt, fair)
	} else if slot >= 0 {
		w.sends[slot] = sent{status: dead, left: -1}
		p.replays = false
	}
}

// age is that of the doubt.
func (p *proc) age() time.Duration {
	if p.old {
		return protocol.TooOld + 1
	}
	return 0
}

// returns is the end of a Send.
func (x *walk) returns(w *world, i int) {
	slot := w.procs[i].slot
	r := w.sends[slot]
	next := *w
	next.procs[i].at, next.procs[i].slot = idle, 0
	next.returned(x.set, slot)
	if r.status == taken || r.status == seen || w.kept(x.set) && r.status == dead {
		x.step(&next, i, protocol.Event{Kind: protocol.Succeeded}, "gets a success")
	}
	for _, a := range x.answers {
		proved := next
		if a.harmless {
			if r.status != flight && r.status != dead {
				continue
			}
			proved.sends[slot] = sent{status: dead, left: -1}
		}
		switch {
		case !a.proved:
			if a.harmless {
				x.blame("M3: a proof that is not believed")
			}
			proved.procs[i].old = false
			x.step(&proved, i, protocol.Event{Kind: protocol.Unproved}, "gets a failure")
		default:
			x.step(&proved, i, protocol.Event{Kind: protocol.Proved}, "gets a refusal")
			x.step(&proved, i, protocol.Event{Kind: protocol.Proved, Last: true}, "is refused for good")
		}
	}
	if r.status == flight && r.left == takes {
		next.sends[slot] = sent{status: dead, left: -1}
		next.procs[i].replays = false
		x.step(&next, i, protocol.Event{Kind: protocol.Unsent}, "is kept from sending")
	}
}
