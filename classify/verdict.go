package classify

import (
	"fmt"
	"strings"
	"time"
)

// Class says what would help against an error.
type Class uint8

const (
	Unclassified Class = iota // no rule matches the error, or the caller cancelled: not retried
	Retryable                 // wait, then send the same request again
	Resync                    // raise the nonce, then send again at once
	FixAndResend              // the caller has to change the request first
	Fatal                     // no retry helps
)

var classNames = [...]string{"unclassified", "retryable", "resync", "fix-and-resend", "fatal"}

// String returns the class in lower case: "retryable", "fix-and-resend".
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("Class(%d)", uint8(c))
}

// MarshalText returns the same as String, for JSON and logs. There is no UnmarshalText.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Effect is what is known to have happened on the server.
type Effect uint8

const (
	Unknown    Effect = iota // assume the worst: the request may have taken effect
	NotApplied               // the answer says that the request changed nothing
)

var effectNames = [...]string{"unknown", "not applied"}

// String returns "unknown" or "not applied".
func (e Effect) String() string {
	if int(e) < len(effectNames) {
		return effectNames[e]
	}
	return fmt.Sprintf("Effect(%d)", uint8(e))
}

// MarshalText returns the same as String, for JSON and logs. There is no UnmarshalText.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Verdict is the classification of one failed call. The zero Verdict means: do not retry,
// effect unknown.
type Verdict struct {
	Class      Class
	Effect     Effect
	Lockout    bool          // no call with this key can succeed until a person acts
	Code       Code          // the code that decided; "" if none. It may be a code without a rule
	Status     int           // HTTP status; 0 if there was no response
	RetryAfter time.Duration // the wait that the server asked for; 0 if none; never negative
	Rule       string        // name of the deciding rule, for display: "API key locked", "HTTP 503", "connection not made"
}

// String returns the verdict on one line, for display, such as "fatal, not applied: API
// key locked (code 100, HTTP 403, locks the key out)".
func (v Verdict) String() string {
	var b strings.Builder
	b.WriteString(v.Class.String())
	if v.Effect == NotApplied {
		b.WriteString(", not applied")
	} else {
		b.WriteString(", effect " + v.Effect.String())
	}
	if v.Rule != "" {
		b.WriteString(": " + v.Rule)
	}
	var notes []string
	if v.Code != "" {
		notes = append(notes, "code "+v.Code.Text())
	}
	if v.Status != 0 && v.Rule != statusName(v.Status) {
		notes = append(notes, fmt.Sprintf("HTTP %d", v.Status))
	}
	if v.Lockout {
		notes = append(notes, "locks the key out")
	}
	if v.RetryAfter > 0 && v.Class != Fatal { // no wait helps against Fatal
		notes = append(notes, "retry after "+v.RetryAfter.String())
	}
	if len(notes) > 0 {
		b.WriteString(" (" + strings.Join(notes, ", ") + ")")
	}
	return b.String()
}

// A Classifier turns the error of a failed call into a Verdict. It must be safe for
// concurrent use. [*Catalog] implements it.
type Classifier interface {
	Classify(err error) Verdict
}

// Func is a function that implements [Classifier]. It must be safe for concurrent use.
type Func func(err error) Verdict

// Classify calls f.
func (f Func) Classify(err error) Verdict { return f(err) }
