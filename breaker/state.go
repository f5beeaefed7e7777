package breaker

import (
	"fmt"
	"time"
)

// A State is what a Breaker makes of calls.
type State uint8

const (
	Closed   State = iota // calls go through and are counted
	Open                  // calls are refused: tripped, or isolated
	HalfOpen              // a few calls, the probes, go through to find out
)

// String returns "closed", "open" or "half-open".
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case HalfOpen:
		return "half-open"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// MarshalText is String, for JSON and logs. It cannot be read back.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// An Outcome is what a call says about the server. The zero Outcome, like any unknown one, counts as Ignored.
type Outcome uint8

const (
	Success Outcome = iota + 1 // the server is alive, whatever it answered
	Failure                    // it did not do its work
	Ignored                    // nothing was learnt: a cancelled call, for example
	Trip                       // open at once: the server has said that it is closed
)

// String returns "success", "failure", "ignored" or "trip".
func (o Outcome) String() string {
	switch o {
	case Success:
		return "success"
	case Failure:
		return "failure"
	case Ignored:
		return "ignored"
	case Trip:
		return "trip"
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// MarshalText is String, for JSON and logs. It cannot be read back.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// A StateChange is what Config.OnStateChange hears. Isolating a breaker that is open already is a change with From and
// To both Open.
type StateChange struct {
	Name     string        // Config.Name
	From, To State         // the same only if an open breaker was isolated
	At       time.Time     // when; a probe that never reported fails when its time is up, not when somebody notices
	Reason   string        // for people: "10 failures in a row, the last: HTTP 503"
	RetryIn  time.Duration // To Open: how long it stays so, from At; zero while isolated. Otherwise zero
	Refused  uint64        // by Acquire or Check in the state that it leaves, or would have been if it were not ReportOnly
}
