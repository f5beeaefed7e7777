package protocol

import (
	"math"
	"time"
)

// JournalTime is the time for one call of the journal, with its repetitions. Other
// processes rely on it that nothing is sent after a Begin that took longer.
const JournalTime = 5 * time.Second

// Clocks is the largest difference that is assumed between the clocks of two machines.
const Clocks = time.Minute

// Decisions are what the driver decides about a payment besides the rows. Each turns what
// was observed into an event, or into a time that an event carries.
type Decisions struct {
	// Proved reports whether a failed send is proved to have changed nothing (M3).
	Proved func(Evidence) bool
	// Taken reports whether the Begin that a journal returned was this call's (M6).
	Taken func(asked, held Generation) bool
	// InTime reports whether a Begin returned early enough to send after it (M6).
	InTime func(took time.Duration) bool
	// Quiet returns for how long others may still be sending what they began, if their
	// sends take that long (M6).
	Quiet func(takes time.Duration) time.Duration
	// Window returns how long after the first send a replay may begin (M10). Another
	// process whose send is replayed may still be waiting for its Begin; its copy must find
	// the key too.
	Window func(idempotent, takes, settle time.Duration) time.Duration
	// Age returns the age of a send that another clock dated. A send in the future is as
	// old as possible.
	Age func(sent, now time.Time) time.Duration
	// Found returns what a result of Verify counts as, false if it counts as nothing (M4).
	Found func(applied, absent, failed bool) (Kind, bool)
	// EndsLooking reports whether an error of Verify is the API's own statement that
	// further lookups are of no use (M5).
	EndsLooking func(fatal, coded bool) bool
}

// A Generation tells two Begins apart.
type Generation struct {
	Number int64
	Owner  string
}

// Evidence is what is known about a failed send.
type Evidence struct {
	NoReplay bool // the caller assures that nothing below repeats requests
	Claimed  bool // the verdict says that nothing was applied
	Unsent   bool // the error itself says that nothing was written
	Answer   bool // the API answered
	Refused  bool // with codes whose rules all say that nothing was applied, and a status that may be a refusal
	Resync   bool // one of the codes asks for a newer nonce
	Nested   bool // the error is that of another call
	Trimmed  bool // a part of the error was removed, because it is about another call
	Asked    int  // connections that net/http asked for
	Got      int  // connections that it got: one for each request
}

// Decide holds the decisions of retry.DoOnce. Only tests change it.
var Decide = Decisions{
	Proved: proved,
	Taken: func(asked, held Generation) bool {
		return held.Owner == asked.Owner && held.Number == asked.Number+1
	},
	InTime: func(took time.Duration) bool { return took <= JournalTime },
	Quiet:  quiet,
	Window: func(idempotent, takes, settle time.Duration) time.Duration {
		return max(idempotent-Later(Later(quiet(takes), settle), Clocks), 0)
	},
	Age: age,
	Found: func(applied, absent, failed bool) (Kind, bool) {
		switch {
		case applied:
			return FoundApplied, true
		case absent && !failed:
			return FoundAbsent, true
		}
		return 0, false
	},
	EndsLooking: func(fatal, coded bool) bool { return fatal && coded },
}

func quiet(takes time.Duration) time.Duration { return Later(takes, JournalTime) }

// proved is stricter than the verdict, which is about one request: a proxy or a client
// below may have sent several and returned the last answer.
func proved(e Evidence) bool {
	switch {
	case e.Nested:
		return false
	case e.Answer:
		return e.Refused && !e.Trimmed && (e.NoReplay || !e.Resync && e.Got <= 1)
	case e.Got > 0:
		return false
	case e.Asked > 0: // and none was made, whatever the error is called
		return true
	case e.Trimmed:
		return false
	}
	// Nobody speaks httptrace below: a dialer, a pool, a client of one's own.
	return e.Claimed && (e.NoReplay || e.Unsent)
}

// age uses the wall clock or the monotonic clock, whichever says more: a clock may be set,
// and a machine suspended.
func age(sent, now time.Time) time.Duration {
	wall := now.Round(0).Sub(sent.Round(0))
	if wall < -Clocks {
		return math.MaxInt64
	}
	return max(now.Sub(sent), wall)
}
