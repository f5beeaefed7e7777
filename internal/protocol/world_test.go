package protocol_test

import (
	"strings"

	"github.com/nexpay-go/resilience/internal/protocol"
)

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

// past is what an earlier process left.
type past uint8

const (
	nothing    past = iota
	open            // an entry, and a send that may be under way
	lost            // the same, but the journal has lost the entry
	applied         // an entry that says so
	notApplied      // an entry that says so
)

// A setting is what stays as it is in a world.
type setting struct {
	strict    bool // the bank refuses low nonces: a late copy may come at any time
	replays   bool // the bank keeps keys for a while
	lookFirst bool
	other     bool // the second process has another fingerprint
	alone     bool // one process, and no journal
	past      past
}

func (s setting) String() string {
	all := []string{[...]string{"nothing", "open", "lost", "applied", "not applied"}[s.past]}
	for _, o := range []struct {
		on   bool
		name string
	}{{s.strict, "strict nonces"}, {s.replays, "replays"}, {s.lookFirst, "look first"}, {s.other, "another fingerprint"}, {s.alone, "no journal"}} {
		if o.on {
			all = append(all, o.name)
		}
	}
	return strings.Join(all, ", ")
}

// settings are all that there can be, but for those that add nothing to others:
// what was begun is not looked for first, what did not happen is no more than
// nothing where no key is kept, and where one is, it has more in it than nothing.
func settings() (all []setting) {
	for bits := range 1 << 5 {
		s := setting{alone: bits&16 == 0, other: bits&8 != 0, strict: bits&4 != 0, lookFirst: bits&2 != 0, replays: bits&1 != 0}
		for s.past = nothing; s.past <= notApplied; s.past++ {
			if s.possible() {
				all = append(all, s)
			}
		}
	}
	return all
}

func (s setting) possible() bool {
	switch {
	case *everything && !s.alone:
		return s.past != lost || s.lookFirst
	case s.alone:
		return s.past == nothing && !s.other
	case s.other:
		return s.past != lost && !s.lookFirst
	case s.lookFirst:
		return s.past == lost
	case s.replays:
		return s.past == open || s.past == notApplied && !s.strict
	}
	return s.past == nothing || s.past == open || s.past == applied
}

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

// arrive has the bank decide about a request.
func (w *world) arrive(s setting, i int) {
	r, n := &w.sends[i], s.nonce(int8(i))
	if w.kept(s) {
		r.status = dead
		if !r.way {
			*r = sent{status: dead, left: -1}
		}
	} else {
		r.status = taken
		w.count++
		if r.left < 0 {
			r.left = settle
		}
	}
	w.fence(n)
}

// fence keeps out what has a lower nonce, from now on.
func (w *world) fence(n int8) {
	w.high = max(w.high, n)
	for i := range w.sends {
		if r := &w.sends[i]; r.status == flight && int8(2*i+2) < w.high {
			r.status = dead
			if !r.way {
				*r = sent{status: dead, left: -1}
			}
		}
	}
}

// returned starts the time in which the bank has to decide.
func (w *world) returned(s setting, i int8) {
	r := &w.sends[i]
	r.way, r.left = false, settle
	if r.status == dead {
		*r = sent{status: dead, left: -1}
	}
	if r.status == dead || r.status == seen || r.status == flight && s.strict && !s.replays {
		r.left = -1
	}
}

// bank goes on to what the bank and the network may do.
func (x *walk) bank(w *world, urgent bool) {
	for i, r := range w.sends {
		if urgent && r.left != 0 {
			continue
		}
		next := *w
		switch {
		case r.status == flight:
			next.arrive(x.set, i)
			x.next(&next, "a request arrives")
		case r.status == taken:
			next.sends[i].status = seen
			if !r.way {
				next.sends[i].left = -1
			}
			x.next(&next, "it becomes visible")
		}
		next = *w
		switch {
		case r.left != 0:
		case r.way && !x.sending(w, i):
			next.returned(x.set, int8(i))
			x.next(&next, "the earlier process is over")
		case !r.way && r.status == flight:
			next.sends[i] = sent{status: dead, left: -1}
			x.next(&next, "a request never arrives")
		}
	}
}

// sending reports whether one of the processes waits for the request.
func (x *walk) sending(w *world, i int) bool {
	for p := range w.procs {
		if w.procs[p].at == sending && w.procs[p].slot == int8(i) {
			return true
		}
	}
	return false
}

// clock goes on to later moments.
func (x *walk) clock(w *world) {
	next, resting, dated := *w, true, false
	for i := range next.sends {
		if r := &next.sends[i]; r.left > 0 {
			r.left--
			resting = false
		}
	}
	for i := range next.procs {
		resting = resting && (next.procs[i].at <= idle || next.procs[i].at == over)
		dated = dated || next.procs[i].notes.dated && !next.procs[i].old
		next.procs[i].later()
	}
	if next.first >= 0 {
		next.first = min(next.first+1, keeps+1)
	}
	x.next(&next, "time passes")
	if !resting || !dated || x.set.replays {
		return
	}
	for i := range next.procs {
		p := &next.procs[i]
		for range late {
			p.later()
		}
		p.old = p.notes.dated
	}
	if next.first >= 0 {
		next.first = keeps + 1
	}
	x.next(&next, "an hour passes")
}
