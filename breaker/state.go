package breaker

import (
	"fmt"
	"time"
)

// A State is the state of a Breaker.
type State uint8

const (
	Closed   State = iota // calls go through and are counted
	Open                  // calls are refused: tripped, or isolated
	HalfOpen              // a few calls, the probes, go through to test the server
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

// MarshalText returns String, for JSON and logs. There is no UnmarshalText.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// An Outcome is what a call showed about the server. The zero Outcome and unknown ones
// count as Ignored.
type Outcome uint8

const (
	Success Outcome = iota + 1 // the server works, whatever it answered
	Failure                    // the server failed
	Ignored                    // the call showed nothing: it was cancelled, for example
	Trip                       // open at once: the server said that it is unavailable
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

// MarshalText returns String, for JSON and logs. There is no UnmarshalText.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// A StateChange describes one change of state to Config.OnStateChange. Isolating a
// breaker that is open already is a change with From and To both Open.
type StateChange struct {
	Name     string        // Config.Name
	From, To State         // equal only if an open breaker was isolated
	At       time.Time     // when it happened: a probe that never reports fails at its timeout, not when noticed
	Reason   string        // for humans: "10 failures in a row, the last: HTTP 503"
	RetryIn  time.Duration // To Open: the open time, from At; zero if isolated. Otherwise zero
	Refused  uint64        // calls refused in the state From, or that ReportOnly let through
}
