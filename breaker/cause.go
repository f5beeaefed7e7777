package breaker

import (
	"fmt"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/internal/codes"
	"github.com/nexpay-go/resilience/internal/text"
)

// maxAsked is how long a server is believed that asks to be left alone. Without a bound one hostile or mistaken answer
// would keep everyone off for years.
const maxAsked = time.Hour

// A Cause is what a call failed with, for [Lease.DoneWith]. If that opens the breaker it stands in the StateChange and in
// the OpenErrors that follow: "10 failures in a row, the last: HTTP 500 -32603 Internal error (trace 5f2c)". Every field may
// be zero.
type Cause struct {
	Status  int    // HTTP status
	Code    string // the API's error code, "" if none
	Reason  string // what it means, for people
	TraceID string // the API's name for the answer, for its support

	// RetryAfter is how long the server asked to be left alone. The breaker then stays open for at least that long,
	// beyond MaxOpenFor if need be, though for no more than an hour on a server's word.
	RetryAfter time.Duration

	took time.Duration // too long, which is all that was wrong
}

// line tells the cause in one line, empty if there is nothing to tell. What is not printable is stripped from its texts,
// and 256 bytes of each are kept.
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

// after is the line after a text that introduces it, or nothing.
func (c *Cause) after(intro string) string {
	if line := c.line(); line != "" {
		return intro + line
	}
	return ""
}

// verdict is the reason to trip because the cause says so: its code does, if it has one, whatever status it came with.
func (c *Cause) verdict() string {
	if c != nil && c.Code != "" {
		c = &Cause{Code: c.Code, Reason: c.Reason, TraceID: c.TraceID}
	}
	if line := c.line(); line != "" {
		return line
	}
	return reasonVerdict
}

// asked is how long the breaker stays open at least.
func (c *Cause) asked() time.Duration {
	if c == nil {
		return 0
	}
	return min(c.RetryAfter, maxAsked)
}
