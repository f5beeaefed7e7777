package classify

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

// A waitHeader is a header that says how long to wait.
type waitHeader struct {
	name  string
	unit  time.Duration // of a number
	quota bool          // it says when a quota is full again
}

// inMilliseconds matches the endings of a header name that mean milliseconds.
var inMilliseconds = regexp.MustCompile(`(?i)[-_](ms|msecs?|millis|milliseconds?)$`)

// readWaitHeader parses one entry of a shape's RetryAfter: a name, and an optional unit.
// column is the place of an invalid unit, or 0.
func readWaitHeader(text string) (w waitHeader, column int) {
	w.unit = time.Second
	if inMilliseconds.MatchString(text) {
		w.unit = time.Millisecond
	}
	w.name = text
	if at := strings.LastIndexByte(text, ' '); at >= 0 {
		w.name = strings.TrimRight(text[:at], " ")
		switch text[at+1:] {
		case "ms":
			w.unit = time.Millisecond
		case "s":
			w.unit = time.Second
		default:
			return w, at + 2
		}
	}
	lower := strings.ToLower(w.name)
	w.quota = lower == "ratelimit" || strings.HasSuffix(lower, "ratelimit-reset")
	return w, 0
}

// retryAfter returns how long an answer asks to wait: the longest of Retry-After and the
// headers of the shape.
func (s *shape) retryAfter(status int, h http.Header) time.Duration {
	longest := retryAfter(h)
	for i := range s.waits {
		longest = max(longest, s.waits[i].asks(status, h))
	}
	return min(longest, maxRetryAfter)
}

func (w *waitHeader) asks(status int, h http.Header) (longest time.Duration) {
	values := h.Values(w.name)
	if len(values) == 0 || w.quota && status != http.StatusTooManyRequests && !usedUp(h, w.name) {
		return 0
	}
	now, ok := date(h.Get("Date"))
	if !ok {
		now = time.Now()
	}
	for _, value := range values[:min(len(values), maxWaits)] {
		if strings.EqualFold(w.name, "ratelimit") {
			longest = max(longest, window(value, now))
		} else {
			longest = max(longest, wait(value, now, w.unit))
		}
	}
	return longest
}

// usedUp reports whether a quota has nothing left: X-RateLimit-Remaining for
// X-RateLimit-Reset, and r for RateLimit.
func usedUp(h http.Header, name string) bool {
	if strings.EqualFold(name, "ratelimit") {
		values := h.Values(name)
		for _, value := range values[:min(len(values), maxWaits)] {
			for item := range strings.SplitSeq(value, ",") {
				if left, ok := decimal(parameter(item, "r")); ok && left == 0 {
					return true
				}
			}
		}
		return false
	}
	left, ok := decimal(strings.Trim(h.Get(name[:len(name)-len("Reset")]+"Remaining"), " \t"))
	return ok && left == 0
}

// window parses RateLimit ("default";r=0;t=30, draft-ietf-httpapi-ratelimit-headers). Of
// several quotas those count that have nothing left, or all if none says so.
func window(value string, now time.Time) time.Duration {
	var used, any time.Duration
	for item := range strings.SplitSeq(value, ",") {
		seconds, ok := decimal(parameter(item, "t"))
		if !ok {
			continue
		}
		any = max(any, asked(seconds, now, time.Second))
		if left, ok := decimal(parameter(item, "r")); ok && left == 0 {
			used = max(used, asked(seconds, now, time.Second))
		}
	}
	if used > 0 {
		return used
	}
	return any
}

// parameter returns the value of a parameter of one item, or "". It does not support
// quoted text with a semicolon.
func parameter(item, name string) string {
	for part := range strings.SplitSeq(item, ";") {
		key, value, _ := strings.Cut(strings.Trim(part, " \t"), "=")
		if key == name {
			return value
		}
	}
	return ""
}
