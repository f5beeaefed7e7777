package protocol_test

import (
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// A step is how a world came about.
type step struct {
	from int32 // the world before
	who  int8  // the process, -1: bank, network or clock
	what string
}

// A walk goes through all worlds of a setting.
type walk struct {
	set     setting
	table   protocol.Table
	decide  protocol.Decisions
	window  time.Duration
	answers []answered

	worlds []world
	steps  []step              // to each of them
	index  map[uint64]struct{} // their hashes, of 64 bits: one in ten million walks misses a world
	at     int32               // the world whose followers are looked for
	who    int8

	fired map[*protocol.Row]bool
	fed   map[feed][]int32 // the worlds in which an event came in a phase
	base  *walk            // of which the worlds are known

	fault string // of the step under way
	found string // the first one, and the way to it
}

// A feed is an event in a phase.
type feed struct {
	from protocol.Phase
	on   protocol.Kind
}

func newWalk(s setting, table protocol.Table, decide protocol.Decisions) *walk {
	x := &walk{set: s, table: table, decide: decide, index: map[uint64]struct{}{}}
	if s.replays {
		if x.window = decide.Window(idempotent, takes*tick, settle*tick); x.window <= 0 {
			x.found = "M10: no replays"
		}
	}
	x.answers = answers(decide.Proved)
	return x
}

// explore walks until there is nothing new, or something wrong.
func (x *walk) explore() {
	if x.base == nil {
		x.fired, x.fed = map[*protocol.Row]bool{}, map[feed][]int32{}
		w := x.set.start()
		x.next(&w, "")
	}
	for ; int(x.at) < len(x.worlds) && x.found == ""; x.at++ {
		x.follow(x.worlds[x.at])
	}
}

// follow goes on to all that can follow w.
func (x *walk) follow(w world) {
	urgent := false // what is due comes before anything that is asked at that time
	for _, r := range w.sends {
		urgent = urgent || r.left == 0 && r.status != unused
	}
	x.who = -1
	x.bank(&w, urgent)
	if !urgent {
		x.clock(&w)
	}
	for i := range w.procs {
		x.who = int8(i)
		x.run(&w, i, urgent)
	}
}

// next takes in a world, if it is new, and nothing is wrong with how it came about.
func (x *walk) next(w *world, what string) {
	if w.count > 1 {
		x.blame("M1: applied twice")
	}
	if x.fault != "" {
		if x.found == "" {
			x.found = x.fault + x.trace(what)
		}
		x.fault = ""
		return
	}
	h := maphash.Comparable(seed, *w)
	if x.knows(h) || x.base != nil && x.base.knows(h) {
		return
	}
	x.index[h] = struct{}{}
	x.worlds = append(x.worlds, *w)
	x.steps = append(x.steps, step{x.at, x.who, what})
}

func (x *walk) knows(h uint64) bool {
	_, known := x.index[h]
	return known
}

var seed = maphash.MakeSeed()

func (x *walk) blame(fault string) {
	if x.fault == "" {
		x.fault = fault
	}
}

// saw notes which row was taken, and where an event came.
func (x *walk) saw(row *protocol.Row, f feed) {
	if x.base != nil {
		return
	}
	if row != nil {
		x.fired[row] = true
	}
	if at := x.fed[f]; len(at) == 0 || at[len(at)-1] != x.at {
		x.fed[f] = append(at, x.at)
	}
}

// mutant walks what a changed table leads to that x has not seen. All that differs
// begins where event f comes.
func (x *walk) mutant(table protocol.Table, f feed) string {
	m := newWalk(x.set, table, x.decide)
	m.base = x
	for _, at := range x.fed[f] {
		m.follow(x.worlds[at])
		if m.found != "" {
			return m.found
		}
	}
	m.explore()
	return m.found
}

// trace is the way to the world that x is at, and the last step.
func (x *walk) trace(last string) string {
	text := fmt.Sprintf("\n%2d %s", x.who, last)
	if x.base != nil {
		return text
	}
	for at := x.at; at > 0; at = x.steps[at].from {
		s := &x.steps[at]
		text = fmt.Sprintf("\n%2d %-32s%v", s.who, s.what, &x.worlds[at]) + text
	}
	return text
}

func (w *world) String() string {
	var b strings.Builder
	for i := range w.procs {
		p := &w.procs[i]
		fmt.Fprintf(&b, " | %v %v fence %d quiet %d due %d", p.at, p.phase, p.fence, p.quiet, p.due)
	}
	for _, r := range w.sends {
		fmt.Fprintf(&b, " | %v %d", r.status, r.left)
	}
	return b.String()
}

func (a activity) String() string {
	return [...]string{"away", "idle", "beginning", "sending", "looking", "booking", "over"}[a]
}

func (s status) String() string {
	return [...]string{"unused", "pending", "flight", "taken", "seen", "dead"}[s]
}
