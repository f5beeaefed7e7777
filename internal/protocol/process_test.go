package protocol_test

import (
	"time"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// An activity is what a process does at the moment.
type activity uint8

const (
	away      activity = iota // not started
	idle                      // it decides what to do next
	beginning                 // the journal has stored its Begin, the answer is on its way
	sending
	looking
	booking // it happened, and the journal is to hold that
	over
)

// A proc is a process that runs the payment: the State of the protocol, and what a
// driver keeps besides.
type proc struct {
	at activity

	phase                            protocol.Phase
	ever, here, foreign, again, lost bool // again: State.Replay
	fence, quiet, due                int8

	slot    int8 // beginning, sending: which of the requests
	took    int8 // beginning: for how long
	asked   int8 // looking: since when
	nonce   int8 // looking: with which
	answer  found
	current bool // the journal's generation is the one that it knows
	open    bool // and the entry is open, as far as it knows
	begun   int8 // ticks since its last Begin
	known   bool // it knows of a first send
	replays bool // the next send in doubt may be a replay
	old     bool // what it is in doubt about is older than an hour

	notes notes
}

type found uint8

const (
	unasked found = iota
	present
	absent
)

// later is p one tick later.
func (p *proc) later() {
	if p.at == away || p.at == over {
		return
	}
	p.quiet, p.due = max(p.quiet-1, -1), max(p.due-1, -1)
	p.notes.quiet, p.notes.since = max(p.notes.quiet-1, -1), max(p.notes.since-1, -settle-1)
	switch p.at {
	case beginning:
		p.took = min(p.took+1, takes+1)
	case looking:
		if p.asked--; p.asked < -1 { // unanswered
			p.at, p.asked, p.nonce, p.answer = idle, 0, 0, unasked
		}
	}
	if p.at != booking {
		p.begun = min(p.begun+1, late)
	}
}

func (x *walk) state(p *proc) protocol.State {
	return protocol.State{
		Phase: p.phase, Settle: settle * tick, Window: x.window, LookFirst: x.set.lookFirst,
		Ever: p.ever, Here: p.here, Foreign: p.foreign, Replay: p.again, Lost: p.lost,
		Fence: uint64(p.fence), Quiet: time.Duration(p.quiet) * tick, Due: time.Duration(p.due) * tick,
	}
}

func (p *proc) take(s *protocol.State) {
	p.phase, p.ever, p.here, p.foreign, p.again, p.lost = s.Phase, s.Ever, s.Here, s.Foreign, s.Replay, s.Lost
	p.fence, p.quiet, p.due = int8(s.Fence), int8(s.Quiet/tick), int8(s.Due/tick)
}

// run goes on to what a process may do.
func (x *walk) run(w *world, i int, urgent bool) {
	p := &w.procs[i]
	if urgent && (p.at != sending || w.sends[p.slot].left != 0) {
		return
	}
	switch p.at {
	case away:
		if i == 0 || x.set.other || w.procs[0].at != away { // two of a kind
			x.read(w, i)
		}
	case beginning:
		x.heard(w, i)
	case sending:
		x.returns(w, i)
	case looking:
		x.hears(w, i, p.answer, "hears from Verify")
	case booking:
		next := *w
		next.procs[i] = proc{at: over}
		x.next(&next, "books nothing")
		if p.current && p.open && w.journal.state == open {
			next.journal.state = applied
			x.next(&next, "books it as applied")
		}
	case idle:
		switch p.phase {
		case protocol.Clear:
			x.stop(w, i)
			x.begin(w, i)
		case protocol.Doubt:
			if p.replays && p.known && time.Duration(w.first)*tick < x.window {
				x.begin(w, i)
			}
			x.look(w, i)
		case protocol.Half, protocol.Denied:
			x.look(w, i)
		case protocol.Fetch:
			x.fetch(w, i)
		case protocol.Closing:
			x.close(w, i)
		}
	}
}

// step feeds an event to process i in a copy of w.
func (x *walk) step(w *world, i int, e protocol.Event, what string) {
	next := *w
	x.feed(&next, i, e)
	x.next(&next, what)
}

// read is what the journal holds, before all.
func (x *walk) read(w *world, i int) {
	next := *w
	p := &next.procs[i]
	p.at, p.current, p.begun, p.replays = idle, true, late, x.set.replays
	e := protocol.Event{Kind: protocol.HeldNothing}
	if !x.set.alone {
		x.step(&next, i, protocol.Event{Kind: protocol.JournalFailed}, "cannot read the journal")
		e.Quiet = x.decide.Quiet(takes * tick)
	}
	held := w.journal
	switch {
	case held.state != nothing && x.another(w, i):
		e.Kind, e.Open = protocol.HeldOther, held.state != notApplied
	case held.state == open:
		e.Kind, e.Nonce = protocol.HeldOpen, uint64(held.nonce)
		p.open, p.known = true, true
	case held.state == applied:
		e.Kind = protocol.HeldApplied
	case held.state == notApplied:
		p.known = true
	}
	x.step(&next, i, e, "reads the journal")
}

// another reports whether the journal holds another fingerprint than i's.
func (x *walk) another(w *world, i int) bool {
	return x.set.other && (w.journal.by == 2) != (i == 1)
}

func (x *walk) stop(w *world, i int) {
	x.step(w, i, protocol.Event{Kind: protocol.Stopped}, "may not send")
	x.step(w, i, protocol.Event{Kind: protocol.Stopped, Last: true}, "is refused for good")
}

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
	{
		next.journal = journal{state: open, by: int8(i) + 1, nonce: w.journal.nonce}
		if p.slot >= 0 {
			next.journal.nonce = x.set.nonce(p.slot)
		}
		p.current = false // until it hears of it
		next.procs[1-i].current = false
	}
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
