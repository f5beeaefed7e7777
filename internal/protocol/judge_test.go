package protocol_test

import "github.com/nexpay-go/resilience/internal/protocol"

// feed has an event happen to process i, and judges what follows from it.
func (x *walk) feed(w *world, i int, e protocol.Event) {
	p := &w.procs[i]
	from := p.phase
	p.notes.hear(x, w, from, &e)
	s := x.state(p)
	row := x.table.Apply(&s, &e)
	p.take(&s)
	x.saw(row, feed{from, e.Kind})
	counts := p.notes.counts
	p.notes.counts = 0
	if p.notes.ever {
		p.begun = late
	}
	switch {
	case row == nil:
		x.blame(ignored(counts, from, &e))
	case p.phase.Over():
		x.blame(x.ended(w, i, &e, counts))
		if p.phase == protocol.Applied && p.current && p.open {
			p.at = booking
		} else {
			*p = proc{at: over}
		}
	default:
		x.blame(goesOn(&p.notes, from, p.phase, &e))
	}
}

// ignored judges an event that changes nothing.
func ignored(counts int8, from protocol.Phase, e *protocol.Event) string {
	switch {
	case e.Kind == protocol.FoundAbsent && (counts == 0 || counts == 1 && from == protocol.Half):
	case from == protocol.Doubt && e.Kind == protocol.JournalFailed: // no replay then
	case from == protocol.Doubt && e.Kind == protocol.Begun && e.First >= replays*tick: // too late for it
	default:
		return "stuck: no row for " + from.String() + " " + e.Kind.String()
	}
	return ""
}

// goesOn judges a step that is not the last.
func goesOn(n *notes, from, to protocol.Phase, e *protocol.Event) string {
	switch {
	case n.knows && to != protocol.Fetch:
		return "M2: it knows that it happened, and goes on"
	case !n.knows && to == protocol.Fetch:
		return "M2: it does not know that it happened"
	case to == protocol.Start:
		return "M6: starts anew"
	case to == protocol.Sending && e.Kind != protocol.Begun:
		return "M6: no Begin before the send"
	case e.Kind == protocol.Begun && from == protocol.Closing:
		if n.closes || to != protocol.Closing {
			return "M8: does not end what it closes"
		}
		n.closes = true
	case e.Kind == protocol.Begun && to != protocol.Sending:
		return "M6: begins, and does not send"
	case to == protocol.Clear && (n.final || e.Kind == protocol.Stopped || e.Kind == protocol.Unsent):
		return "M2: goes on where it may not"
	case e.Kind == protocol.JournalFailed, e.Kind == protocol.HeldOther:
		return "M6: goes on against the journal"
	case e.Kind == protocol.Overtaken && to != protocol.Fetch:
		return "M6: goes on although another process has"
	case e.Kind == protocol.GaveUp:
		return "M5: goes on when it has given up"
	}
	return ""
}

// sends judges a send that begins.
func (x *walk) sends(w *world, i int, replay, fair bool) {
	n := &w.procs[i].notes
	switch {
	case !fair:
		x.blame("M6: sends without a Begin of its own, in time")
	case w.barred[i]:
		x.blame("M6: sends what another process has called not applied")
	case replay && (!x.set.replays || w.first >= replays):
		x.blame("M10: a replay outside of the window")
	case !replay && n.doubt:
		x.blame("M4: sends while in doubt")
	case !replay && n.dated && w.procs[i].old:
		x.blame("M5: sends again after an hour")
	}
	n.replay, n.absent, n.since, n.fence = replay, false, -settle-1, max(n.fence, x.set.nonce(w.procs[i].slot))
}

// ended judges what a process says in the end.
func (x *walk) ended(w *world, i int, e *protocol.Event, counts int8) string {
	p := &w.procs[i]
	n := &p.notes
	switch p.phase {
	case protocol.Applied:
		switch {
		case w.count == 0:
			return "M2: applied, it says, and it was not"
		case p.lost == n.value:
			return "M2: a value is lost that was there, or was not there"
		}
	case protocol.NotApplied:
		for _, r := range w.sends {
			if r.status == flight {
				return "M2: not applied, it says, and it still may be"
			}
		}
		switch {
		case w.count > 0:
			return "M2: not applied, it says, and it was"
		case n.denied:
			return "M4: a denial after doubt, and Verify was not asked"
		case n.doubt:
			return "M4: not applied, it says in doubt"
		case n.failed || n.other:
			return "M6: not applied, it says, and cannot know"
		case e.Kind != protocol.Closed && e.Kind != protocol.HeldOther && e.Kind != protocol.JournalFailed:
			return "M8: not applied, and the journal was not asked"
		case !n.why:
			return "M2: not applied, for no reason"
		}
		for j := range w.procs { // whose Begin was before this
			w.barred[j] = w.barred[j] || j != i && (int(n.from) == j+1 || w.procs[j].at == beginning)
		}
	case protocol.Unknown:
		if n.knows {
			return "M2: unknown, it says, and knows that it happened"
		}
		old := n.dated && p.old
		switch e.Kind {
		case protocol.GaveUp:
			if n.doubt || n.denied {
				return ""
			}
		case protocol.Overtaken:
			if n.doubt && n.here {
				return ""
			}
		case protocol.FoundAbsent:
			if old && counts == 2 {
				return ""
			}
		case protocol.Begun:
			if old {
				return ""
			}
		default:
			if n.failed || n.other {
				return ""
			}
		}
		return "M5: unknown, for no reason"
	case protocol.Busy:
		switch {
		case !n.overtaken:
			return "M6: busy, and nobody else is"
		case n.through:
			return "M6: busy, and the journal has it as applied"
		}
		for _, r := range w.sends {
			if r.by == int8(i)+1 && r.status != dead {
				return "M2: busy, and what this call sent may have happened"
			}
		}
	}
	return ""
}
