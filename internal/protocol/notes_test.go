package protocol_test

import "github.com/nexpay-go/resilience/internal/protocol"

// notes are what the judge knows of a process, by the rules and by what the process
// could see: neither by the table nor by the State.
type notes struct {
	ever   bool // it was in doubt, or had to suppose so
	doubt  bool // it is
	dated  bool // and knows since when
	replay bool // the send under way is a replay
	here   bool // by what this call sent
	final  bool // it was refused for good after doubt
	denied bool // refused for good after doubt, and Verify was not asked since (M4)
	fence  int8 // the highest nonce of a send that it knows
	quiet  int8 // M6: before that, no Absent counts
	absent bool // one Absent counted since the last send
	since  int8 // when it was answered
	counts int8 // the last answer was an Absent that counts; 2: and leads on
	closes bool // it has moved the generation on to say that it did not happen

	knows     bool // it happened
	through   bool // the journal says that it happened
	value     bool // and here is its value
	why       bool // a reason not to send
	failed    bool // the journal failed where the rules care
	other     bool // the journal holds another operation that may have happened
	overtaken bool
	from      int8 // 1 + whose entry it took over, 0: none
}

// hear takes in an event.
func (n *notes) hear(x *walk, w *world, from protocol.Phase, e *protocol.Event) {
	switch e.Kind {
	case protocol.HeldNothing:
		if x.set.lookFirst {
			n.ever, n.doubt, n.quiet = true, true, 0
			if !x.set.alone {
				n.quiet = quiet
			}
		}
	case protocol.HeldOpen:
		n.ever, n.doubt, n.dated = true, true, true
		n.fence, n.quiet, n.from = w.journal.nonce, quiet, w.journal.by
	case protocol.HeldApplied:
		n.knows, n.through = true, true
	case protocol.HeldOther:
		n.why, n.other = true, e.Open
	case protocol.JournalFailed:
		switch from {
		case protocol.Start, protocol.Clear:
			n.failed = true
		case protocol.Closing:
			n.failed = n.ever || e.Old || x.set.replays
		}
	case protocol.Overtaken:
		n.overtaken, n.through = true, e.Through
		n.knows = n.knows || e.Through
	case protocol.Stopped:
		n.why = true
		n.refused(e)
	case protocol.Unsent:
		n.why, n.quiet = true, max(n.quiet, 0)
	case protocol.Proved:
		n.quiet = max(n.quiet, 0)
		if !n.replay {
			n.why = n.why || e.Last
			n.refused(e)
		}
	case protocol.Unproved:
		n.ever, n.doubt, n.dated, n.here = true, true, true, true
		n.quiet = max(n.quiet, 0)
	case protocol.Succeeded, protocol.FoundApplied:
		n.knows, n.value = true, true
	case protocol.FoundAbsent:
		n.absence(e)
	}
}

// refused is M4: before a denial that follows doubt, ask.
func (n *notes) refused(e *protocol.Event) {
	if e.Last && n.ever {
		n.denied, n.final, n.quiet = true, true, max(n.quiet, 0)
	}
}

// absence is M4: two that count, Settle apart, lead out of doubt.
func (n *notes) absence(e *protocol.Event) {
	asked := int8(e.Asked / tick)
	switch {
	case !e.Same || e.Nonce != 0 && int8(e.Nonce) <= n.fence || asked < n.quiet:
	case n.denied:
		n.denied, n.counts = false, 2
	case !n.absent:
		n.absent, n.since, n.counts = true, 0, 1
	case asked >= n.since+settle:
		n.counts = 2
		n.doubt = n.doubt && e.Age > protocol.TooOld // M5
	}
}
