package protocol_test

import "github.com/nexpay-go/resilience/internal/protocol"

// Time goes in ticks, of what a journal gets for one call. A send takes one tick
// at most, and Settle is one: a lookup may then take longer than either.
const (
	tick    = protocol.JournalTime
	takes   = 1
	settle  = 1
	quiet   = takes + 1   // M6: before that, what others have begun may be under way
	replays = 1           // a replay begins in the same tick as the first send
	keeps   = replays + 2 // the last tick in which its last copy may come
	late    = quiet + 1   // what is older is no different

	// The API keeps a key until the last copy has come, by the slower of two clocks.
	idempotent = (replays+quiet+settle)*tick + protocol.Clocks
)

// sends is how many requests there are at most: of one process three, so that one
// can follow a replay.
func (s setting) sends() int8 {
	if s.alone {
		return 3
	}
	return 2
}

// A sent is one request.
type sent struct {
	status status
	way    bool // Send has not returned
	by     int8 // 1 + the process; 0: an earlier one
	left   int8 // ticks until it must have returned, or the bank decided and shows it; -1: no limit
}

type status uint8

const (
	unused  status = iota
	pending        // its Begin is under way
	flight         // it may take effect
	taken          // it took effect
	seen           // and Verify shows it
	dead           // it never takes effect
)

// A journal holds one entry. Whether that is the one that a process knows is a
// note of the process.
type journal struct {
	state past
	by    int8 // 1 + the process that began it; 0: an earlier one
	nonce int8
}

// A world is all there is at one moment. Its times are ticks from now.
type world struct {
	sends   [3]sent
	procs   [2]proc
	journal journal
	high    int8    // the highest nonce that the bank has seen
	first   int8    // ticks since the first send that the journal knows; -1: none
	count   int8    // how often the payment was applied
	barred  [2]bool // another process has said of what this one began that it did not happen
}

// start is the world before all.
func (s setting) start() world {
	w := world{first: -1}
	for i := range w.procs {
		w.procs[i].quiet, w.procs[i].due, w.procs[i].notes.quiet, w.procs[i].notes.since = -1, -1, -1, -settle-1
	}
	switch s.past {
	case open, lost:
		w.sends[0] = sent{status: flight, way: true, left: quiet}
	case applied:
		w.sends[0] = sent{status: taken, left: settle}
		w.count = 1
	}
	if s.past != nothing && s.past != lost {
		w.journal, w.first = journal{state: s.past, nonce: s.nonce(0)}, 0
	}
	if s.alone {
		w.procs[1].at = over
	}
	return w
}

// nonce is that of send i, from 2 on; lookups have the odd ones. 0 where they do
// not count.
func (s setting) nonce(i int8) int8 {
	if !s.strict {
		return 0
	}
	return 2*i + 2
}

// used is how many sends have been begun.
func (w *world) used() (n int8) {
	for int(n) < len(w.sends) && w.sends[n].status != unused {
		n++
	}
	return n
}

// shown reports whether Verify can see that it happened.
func (w *world) shown() bool {
	for i := range w.sends {
		if w.sends[i].status == seen {
			return true
		}
	}
	return false
}

// kept reports whether the API answers a copy as it answered the first one.
func (w *world) kept(s setting) bool {
	return s.replays && w.count > 0 && w.first >= 0 && w.first <= keeps
}
