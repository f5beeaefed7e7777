package protocol

import (
	"math"
	"time"
)

// JournalTime is what a journal gets for one call of ours: others count on it that
// nothing is sent on the word of a Begin that took longer.
const JournalTime = 5 * time.Second

// Clocks is by how much two machines' clocks are taken to differ at most.
const Clocks = time.Minute

// Decisions are what the driver decides about a payment besides the rows: each turns
// what was seen into an event, or into a time that an event carries.
type Decisions struct {
	// Proved reports whether a failed send is proved to have changed nothing (M3).
	Proved func(Evidence) bool
	// Taken reports whether the Begin that a journal answered was this call's (M6).
	Taken func(asked, held Generation) bool
	// InTime reports whether a Begin came soon enough to send on its word (M6).
	InTime func(took time.Duration) bool
	// Quiet is for how long others may still be sending what they began, if they
	// take that long over a send (M6).
	Quiet func(takes time.Duration) time.Duration
	// Window is how long after the first send a replay may begin (M10). Another
	// process whose send is replayed may still be waiting for the journal's answer
	// to its Begin: its copy has to find the key as well.
	Window func(idempotent, takes, settle time.Duration) time.Duration
	// Age is that of a send that another clock dated: one from the future is as
	// old as can be.
	Age func(sent, now time.Time) time.Duration
	// Found is what an answer of Verify's counts as, false if as nothing (M4).
	Found func(applied, absent, failed bool) (Kind, bool)
	// EndsLooking reports whether an error of Verify's is the API's own word that
	// there is no use in asking again (M5).
	EndsLooking func(fatal, coded bool) bool
}

// A Generation is what tells two Begins apart.
type Generation struct {
	Number int64
	Owner  string
}

// Evidence is what is known of a failed send.
type Evidence struct {
	NoReplay bool // nothing below repeats requests, somebody vouches
	Claimed  bool // the verdict claims that nothing was applied
	Unsent   bool // so says the error itself, of one who knows: nothing was written
	Answer   bool // the API answered
	Refused  bool // with codes whose rules all claim that nothing was applied, under a status that may be a refusal
	Resync   bool // one of the codes asks for a newer nonce
	Nested   bool // the error is that of another call
	Trimmed  bool // something was left out of the error, as it speaks of another call
	Asked    int  // connections that net/http asked for
	Got      int  // connections that it got: one for each request
}

// Decide is what retry.DoOnce decides. Only tests change it.
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

// proved is stricter than the verdict, which speaks of one request: a proxy or a
// client below may have sent several and shown us the last answer.
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

// age is by the clock, or by the time that passed if that is more: a clock may be
// set, and a machine suspended.
func age(sent, now time.Time) time.Duration {
	wall := now.Round(0).Sub(sent.Round(0))
	if wall < -Clocks {
		return math.MaxInt64
	}
	return max(now.Sub(sent), wall)
}
