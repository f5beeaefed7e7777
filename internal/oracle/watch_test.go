package oracle_test

import (
	"fmt"
	"math"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// A watch follows one call and holds it to the rules while it goes on. It knows
// of the call what the call can know, and beyond that what is true.
type watch struct {
	call  *call
	sends []*send
	rows  []string // of the protocol, as events tell of them: for people

	// What the journal has told the call.
	asked   time.Duration // when it was asked last
	owner   string        // of the Begin that it was asked for
	owners  []string      // of all of this call's
	read    bool
	held    retry.Entry      // at first
	gen     int64            // the highest generation that it knows of
	open    *retry.Entry     // that it has made, and not sent with yet
	made    bool             // it has made one
	beaten  bool             // another one's Begin came first
	foreign bool             // and it was for another operation under this ID
	through bool             // and it has been applied
	other   retry.EntryState // of that other operation, when a Begin met it
	late    bool             // a Begin of this call's came too late
	failed  bool             // the journal did, the last time that it was asked to begin
	lost    bool             // some Begin, or a read, failed
	unbegun bool             // and that was a Begin, or the first reading
	unended bool             // it did when it was to hold an end
	failing bool             // it did at some time
	closed  []ending

	// Whether what it was at may have happened.
	doubt     bool
	ever      bool
	inherited bool
	earlier   *watch        // of the call that left it in doubt, without a journal
	told      bool          // of this doubt, by an event
	fence     uint64        // the highest nonce sent with
	key       string        // of the sends
	pinned    bool          // there is one
	since     time.Duration // when the send in doubt began
	quiet     time.Duration // when it was over
	bound     time.Duration // until when another process may be sending, for all that this one can know
	first     *lookup       // that counts as Absent
	genThen   int64         // gen at that time
	settled   bool          // there was a second, Settle later …
	settledAt time.Duration // … and that was then
	absent    bool          // Absent was seen since the last send, behind it
	last      *message      // sent …
	lastEnd   time.Duration // … and that was over …
	lastShape *shape        // … like this
	word      bool          // the API said that looking is no use

	applied bool  // Verify has said so
	success bool  // Send has returned one
	out     bool  // a send is
	stands  bool  // the process stands still, with its send on the way to the wire
	at      int64 // the generation that it begins or sends in, 0 if it does neither
}

// An ending is an End, and what came of it.
type ending struct {
	state retry.EntryState
	err   error
}

// A send is one run of Send.
type send struct {
	by      *call
	n       int
	m       *message
	gen     int64
	start   time.Duration
	replay  bool // of what was in doubt
	settled bool // proved, or found out by lookups, to have changed nothing
}

func (s *send) String() string { return fmt.Sprintf("send %d of call %d", s.n, s.by.n) }

// A lookup is one run of Verify.
type lookup struct {
	key          string
	nonce        uint64
	began, ended time.Duration
	alone        bool // nobody was still sending what is in doubt
	apart        bool // it was made through Apart
}

func (w *watch) violate(rule, format string, args ...any) {
	how := fmt.Sprintf("%v: %s", w.call, fmt.Sprintf(format, args...))
	for _, row := range w.rows {
		how += "\n\t\t" + row
	}
	w.call.w.violate(rule, "%s", how)
}

// add is d after t, and no less where that is more than a Duration holds.
func add(t, d time.Duration) time.Duration {
	if t > math.MaxInt64-d {
		return math.MaxInt64
	}
	return t + d
}

// fixed is M7.
func (w *watch) fixed() {
	if w.ever {
		w.violate("M7", "Fix was asked after doubt")
	}
}

// interrupted is the end of a call by a panic or an exit in Send.
func (w *watch) interrupted() {
	if w.out { // whose answer nobody has seen
		s := w.sends[len(w.sends)-1]
		w.doubt, w.ever, w.settled, w.since, w.quiet = true, true, false, s.start, w.call.w.now()
		w.fence = max(w.fence, s.m.nonce)
	}
	w.at, w.out = 0, false
	for _, e := range w.closed {
		if e.err == nil && e.state != retry.EntryOpen {
			w.violate("M8", "closed as %v, having panicked", e.state)
		}
	}
}
