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
