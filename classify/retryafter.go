package classify

import (
	"net/http"
	"strings"
	"time"
)

// maxRetryAfter is as long as a server is believed to mean, so that no sum of waits
// overflows. Callers have far lower limits of their own.
const maxRetryAfter = 10 * 365 * 24 * time.Hour

// retryAfter reads the Retry-After header (RFC 9110, section 10.2.3): seconds, or a
// date in one of the three forms HTTP allows. A date is measured against the Date
// of the same answer, since the two clocks need not agree with ours. Anything else,
// and any time that is past, is 0.
func retryAfter(h http.Header) time.Duration {
	text := strings.Trim(h.Get("Retry-After"), " \t")
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		return seconds(text)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// seconds reads digits of any number.
func seconds(digits string) time.Duration {
	var d time.Duration
	for _, c := range []byte(digits) {
		d = d*10 + time.Duration(c-'0')*time.Second
		if d >= maxRetryAfter {
			return maxRetryAfter
		}
	}
	return d
}
