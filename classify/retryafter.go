package classify

import (
	"net/http"
	"strings"
	"time"
)

const (
	// maxRetryAfter is the longest wait taken from a server, so that no sum of waits
	// overflows. Callers have far lower limits.
	maxRetryAfter = 10 * 365 * 24 * time.Hour

	// A number from here on is a point in time, in seconds or milliseconds since 1970:
	// the first is in 2001, and as a wait it would be 31 years.
	firstUnix      = 1e9
	firstUnixMilli = 1e12
	tooLarge       = 1e15

	// maxWaits is how many values of one header are read. Each is tried as a date, and
	// over HTTP/2 a server can repeat one for a byte.
	maxWaits = 16
)

// retryAfter reads the Retry-After header (RFC 9110, section 10.2.3): seconds, or a date.
// Of several values the longest counts. A date is compared with the Date of the same
// answer, because the server's clock may differ from ours. Any other value, and any time
// in the past, is 0. Only the first 16 values count.
func retryAfter(h http.Header) time.Duration {
	values := h["Retry-After"]
	if len(values) == 0 {
		return 0
	}
	now, ok := date(h.Get("Date"))
	if !ok {
		now = time.Now()
	}
	var longest time.Duration
	for _, value := range values[:min(len(values), maxWaits)] {
		longest = max(longest, wait(value, now, time.Second))
	}
	return min(longest, maxRetryAfter)
}

// wait reads one value. A proxy may have joined several numbers with commas.
func wait(value string, now time.Time, unit time.Duration) time.Duration {
	if at, ok := date(value); ok {
		return max(at.Sub(now), 0)
	}
	var longest time.Duration
	for part := range strings.SplitSeq(value, ",") {
		n, ok := decimal(strings.Trim(part, " \t"))
		if !ok {
			return 0
		}
		longest = max(longest, asked(n, now, unit))
	}
	return longest
}

// asked returns the wait that a number asks for. The number may be a point in time.
func asked(n int64, now time.Time, unit time.Duration) time.Duration {
	switch {
	case n >= tooLarge:
		return maxRetryAfter
	case n >= firstUnixMilli:
		return max(time.UnixMilli(n).Sub(now), 0)
	case n >= firstUnix && unit == time.Second:
		return max(time.Unix(n, 0).Sub(now), 0)
	}
	return min(time.Duration(min(n, int64(maxRetryAfter/unit)))*unit, maxRetryAfter)
}

// decimal reads a decimal number and rounds it up. HTTP allows no fraction, but some
// servers send one. A number above tooLarge becomes tooLarge.
func decimal(text string) (n int64, ok bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, false
	}
	for _, c := range []byte(whole) {
		n = min(n*10+int64(c-'0'), tooLarge)
	}
	if strings.Trim(fraction, "0") != "" {
		n++
	}
	return n, true
}

// dates are the date formats that are accepted beside the three of HTTP: other names of
// the zone, and ISO 8601 with a zone. (Package time accepts any abbreviation for a zone
// whose offset it does not know, hence UTC as a literal.)
var dates = [...]string{
	"Mon, 2 Jan 2006 15:04:05 UTC", "Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 GMT",
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00", "20060102T150405Z0700",
}

func date(text string) (at time.Time, ok bool) {
	text = strings.Trim(text, " \t")
	if strings.Trim(text, "0123456789.,") == "" { // the usual case; it also keeps numbers away from the layouts
		return time.Time{}, false
	}
	if at, err := http.ParseTime(text); err == nil {
		return at, true
	}
	for _, layout := range dates {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
