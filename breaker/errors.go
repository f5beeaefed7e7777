package breaker

import (
	"errors"
	"fmt"
	"github.com/nexpay-go/resilience/internal/codes"
	"strings"
	"time"
)

// ErrOpen matches every *OpenError with errors.Is.
var ErrOpen = errors.New("circuit breaker is open")

// ErrLockedOut matches every *LockedError with errors.Is.
var ErrLockedOut = errors.New("API key is locked out")

// An OpenError reports that a Breaker refused a call. It matches ErrOpen with errors.Is.
// Calls refused in the same millisecond share one OpenError: do not modify it.
type OpenError struct {
	Name    string        // Config.Name
	RetryIn time.Duration // longest time until a call may be let through; zero: only after Reset
	Reason  string        // what opened it ("10 failures in a row, the last: HTTP 503"), or what it waits for

	sooner bool // it may be let through before RetryIn
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
	in := "in"
	if e.sooner {
		in = "within"
	}
	fmt.Fprintf(&s, "; retry %s %v", in, wait)
	return s.String()
}

// SafeError returns the same text: it is safe to log.
func (e *OpenError) SafeError() string { return e.Error() }

// Is reports whether target is ErrOpen.
func (e *OpenError) Is(target error) bool { return target == ErrOpen }

// A LockedError reports that no call with this key can succeed until a person has acted.
// It matches ErrLockedOut with errors.Is.
type LockedError struct {
	Key     string    // the key's name, as passed to Lock
	Code    string    // the API's error code, "" if none
	TraceID string    // the API's trace id of that answer, for its support; may be empty
	Reason  string    // what the code means; may be empty
	Advice  string    // what a person should do about it; may be empty
	At      time.Time // when the lockout was detected
	Sent    time.Time // when the request was sent; zero if unknown
	By      string    // the process that detected it, if another; may be empty
}

// Error names the key, what locked it and when, the trace id, and what to do about it.
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
		s.WriteString(", reported by " + e.By)
	}
	if e.TraceID != "" {
		fmt.Fprintf(&s, ", trace %s", e.TraceID)
	}
	advice := "a person has to fix it"
	if e.Advice != "" {
		advice = strings.TrimSuffix(e.Advice, ".")
	}
	s.WriteString("; action: " + advice + ", then end it with Lockout.Unlock")
	return s.String()
}

// SafeError returns the same text: it is safe to log.
func (e *LockedError) SafeError() string { return e.Error() }

// Is reports whether target is ErrLockedOut.
func (e *LockedError) Is(target error) bool { return target == ErrLockedOut }
