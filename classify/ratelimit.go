package classify

import (
	"net/http"
	"strings"
	"time"
)

// retryAfter is how long an answer asks to wait: the longest that Retry-After and the
// headers of the shape say.
func (s *shape) retryAfter(status int, h http.Header) time.Duration {
	longest := retryAfter(h)
	for _, name := range s.RetryAfter {
		longest = max(longest, s.asks(status, h, name))
	}
	return min(longest, maxRetryAfter)
}

func (s *shape) asks(status int, h http.Header, name string) (longest time.Duration) {
	values := h.Values(name)
	if len(values) == 0 {
		return 0
	}
	lower := strings.ToLower(name)
	quota := lower == "ratelimit" || strings.HasSuffix(lower, "ratelimit-reset")
	if quota && status != http.StatusTooManyRequests && !usedUp(h, name) {
		return 0
	}
	now, ok := date(h.Get("Date"))
	if !ok {
		now = time.Now()
	}
	for _, value := range values {
		switch {
		case strings.HasSuffix(lower, "-ms"):
			longest = max(longest, milliseconds(value))
		case lower == "ratelimit":
			longest = max(longest, window(value, now))
		default:
			longest = max(longest, wait(value, now))
		}
	}
	return longest
}

// usedUp reports whether the header beside one that says when a quota is full again
// says that nothing is left of it: X-RateLimit-Remaining beside X-RateLimit-Reset, and
// r of RateLimit.
func usedUp(h http.Header, name string) bool {
	if strings.EqualFold(name, "ratelimit") {
		for _, value := range h.Values(name) {
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

// window reads RateLimit ("default";r=0;t=30, draft-ietf-httpapi-ratelimit-headers): of
// several quotas those count of which nothing is left, or all where none says so.
func window(value string, now time.Time) time.Duration {
	var used, any time.Duration
	for item := range strings.SplitSeq(value, ",") {
		seconds, ok := decimal(parameter(item, "t"))
		if !ok {
			continue
		}
		any = max(any, asked(seconds, now))
		if left, ok := decimal(parameter(item, "r")); ok && left == 0 {
			used = max(used, asked(seconds, now))
		}
	}
	if used > 0 {
		return used
	}
	return any
}

// parameter is the value of a parameter of one item, "" if it has none. Quoted text
// with a semicolon in it is the server's own bad luck.
func parameter(item, name string) string {
	for part := range strings.SplitSeq(item, ";") {
		key, value, _ := strings.Cut(strings.Trim(part, " \t"), "=")
		if key == name {
			return value
		}
	}
	return ""
}

// milliseconds reads a number of them, rounded up.
func milliseconds(value string) time.Duration {
	n, ok := decimal(strings.Trim(value, " \t"))
	if !ok {
		return 0
	}
	return min(time.Duration(min(n, int64(maxRetryAfter/time.Millisecond)))*time.Millisecond, maxRetryAfter)
}
