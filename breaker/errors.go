package breaker

import (
	"errors"
	"fmt"
	"github.com/nexpay-go/resilience/internal/codes"
	"strings"
	"time"
)

// ErrOpen is what every *OpenError is, by errors.Is.
var ErrOpen = errors.New("circuit breaker is open")

// ErrLockedOut is what every *LockedError is, by errors.Is.
var ErrLockedOut = errors.New("API key is locked out")

// An OpenError says that a Breaker refused a call, why, and when to come back. It is an ErrOpen by errors.Is. Calls that
// are refused in the same millisecond get the same one: it is not to be changed.
type OpenError struct {
	Name    string        // Config.Name
	RetryIn time.Duration // until a call may be let through, at most: probes may answer sooner; zero: not before Reset
	Reason  string        // what opened it: "10 failures in a row, the last: HTTP 503", or what it waits for
}

// Error names the breaker, the reason, and when to come back.
func (e *OpenError) Error() string {
	var s strings.Builder
	s.WriteString("circuit breaker ")
	if e.Name != "" {
		fmt.Fprintf(&s, "%q ", e.Name)
	}
	s.WriteString("is open")
	if e.Reason != "" {
		s.WriteString(": " + e.Reason)
	}
	if e.RetryIn == 0 {
		s.WriteString("; it stays open until it is reset")
		return s.String()
	}
	wait := e.RetryIn
	if wait > time.Millisecond {
		wait = wait.Round(time.Millisecond)
	}
	fmt.Fprintf(&s, "; retry in %v", wait)
	return s.String()
}

// SafeError says that this text is fit to be logged.
func (e *OpenError) SafeError() string { return e.Error() }

// Is reports whether target is ErrOpen.
func (e *OpenError) Is(target error) bool { return target == ErrOpen }

// A LockedError says that no call with this key can succeed until a person has acted. It is an ErrLockedOut by errors.Is.
type LockedError struct {
	Key     string // the key's name, as it was given to Lock
	Code    string // the API's error code that locked it out, "" if none
	TraceID string // the API's name for the answer that carried it, for its support; may be empty
	Reason  string // what the code means; may be empty
	Advice  string // what a person should do about it; may be empty
	At      time.Time
	Sent    time.Time // when the request was sent that was answered so; zero if nobody said
	By      string    // who found it out, where that is another process; may be empty
}

// Error tells the key, what locked it and when, the trace id, and what to do about it.
func (e *LockedError) Error() string {
	var s strings.Builder
	s.WriteString("API key ")
	if e.Key != "" {
		fmt.Fprintf(&s, "%q ", e.Key)
	}
	s.WriteString("is locked out")
	if e.Code != "" {
		fmt.Fprintf(&s, " by code %s", codes.Text(e.Code))
	}
	if e.Reason != "" {
		fmt.Fprintf(&s, " (%s)", e.Reason)
	}
	fmt.Fprintf(&s, " since %s", e.At.UTC().Format(time.RFC3339))
	if e.By != "" {
		s.WriteString(", as " + e.By + " found out")
	}
	if e.TraceID != "" {
		fmt.Fprintf(&s, ", trace %s", e.TraceID)
	}
	advice := "a person has to put it right"
	if e.Advice != "" {
		advice = strings.TrimSuffix(e.Advice, ".")
	}
	s.WriteString("; action: " + advice + ", then end it with Lockout.Unlock")
	return s.String()
}

// SafeError says that this text is fit to be logged.
func (e *LockedError) SafeError() string { return e.Error() }

// Is reports whether target is ErrLockedOut.
func (e *LockedError) Is(target error) bool { return target == ErrLockedOut }
