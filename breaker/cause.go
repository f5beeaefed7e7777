package breaker

import (
	"fmt"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/internal/codes"
	"github.com/nexpay-go/resilience/internal/text"
)

// maxAsked bounds the wait that a server may ask for. Without it one hostile or mistaken
// answer could keep the breaker open for years.
const maxAsked = time.Hour

// A Cause describes why a call failed, for [Lease.DoneWith]. If the failure opens the
// breaker, the cause appears in the StateChange and in the OpenErrors that follow: "10
// failures in a row, the last: HTTP 500 -32603 Internal error (trace 5f2c)". Every field
// may be zero.
type Cause struct {
	Status  int    // HTTP status
	Code    string // the API's error code, "" if none
	Reason  string // what it means, for humans
	TraceID string // the API's trace id, for its support

	// RetryAfter is how long the server asked callers to wait. The breaker then stays
	// open for at least that long, even beyond MaxOpenFor, but for no more than an hour.
	RetryAfter time.Duration

	took time.Duration // if the call was slow and otherwise fine
}

// line returns the cause as one line; empty if there is nothing to report. Unprintable
// characters are stripped from its texts, and 256 bytes of each are kept.
func (c *Cause) line() string {
	if c == nil {
		return ""
	}
	if c.took > 0 {
		return fmt.Sprintf("took %v", c.took.Round(time.Millisecond))
	}
	parts := make([]string, 0, 4)
	status := ""
	if c.Status != 0 {
		status = fmt.Sprintf("HTTP %d", c.Status)
		parts = append(parts, status)
	}
	if c.Code != "" {
		parts = append(parts, codes.Text(c.Code))
	}
	if reason := text.Line(c.Reason); reason != "" && reason != status {
		parts = append(parts, reason)
	}
	if trace := text.Line(c.TraceID); trace != "" {
		parts = append(parts, "(trace "+trace+")")
	}
	return strings.Join(parts, " ")
}

// after returns intro and the line, or nothing if the line is empty.
func (c *Cause) after(intro string) string {
	if line := c.line(); line != "" {
		return intro + line
	}
	return ""
}

// tripReason is the reason for a trip by the outcome Trip. If the cause has a code, the
// status is left out.
func (c *Cause) tripReason() string {
	if c != nil && c.Code != "" {
		c = &Cause{Code: c.Code, Reason: c.Reason, TraceID: c.TraceID}
	}
	if line := c.line(); line != "" {
		return line
	}
	return reasonTrip
}

// asked is the shortest open time that the server asked for.
func (c *Cause) asked() time.Duration {
	if c == nil {
		return 0
	}
	return min(c.RetryAfter, maxAsked)
}
