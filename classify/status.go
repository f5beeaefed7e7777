package classify

import "strconv"

// statusRow says what an HTTP status means where no code does. An answer outside
// 2xx to 5xx is none that HTTP knows as final: nothing can be said about it.
//
// Only a 4xx with a registered meaning that is a refusal says that nothing was
// applied. A gateway says 499 of a client that hung up while the API was at it;
// 409 may be about a first copy that is under way; and what the others mean nobody
// knows.
func statusRow(status int) (Class, Effect) {
	switch {
	case status < 200 || status > 599:
		return Unclassified, Unknown
	case status < 300: // an error in a 2xx, or a 2xx nobody can read: it may well have been done
		return Retryable, Unknown
	case status < 400: // redirects are refused: following one hands key and signature to another host
		return Fatal, Unknown
	}
	switch status {
	case 400, 422:
		return FixAndResend, NotApplied
	case 408, 425, 429: // often a gateway's word, and not about what became of the request
		return Retryable, Unknown
	case 421: // the wrong connection: another may do (RFC 9110, section 15.5.20)
		return Retryable, NotApplied
	case 501, 505:
		return Fatal, Unknown
	}
	switch {
	case refusal(status):
		return Fatal, NotApplied
	case status < 500:
		return Fatal, Unknown
	}
	return Retryable, Unknown
}

// refusal reports whether a 4xx without a code is a refusal: whether it has a
// meaning in IANA's registry of status codes, and is not 409.
func refusal(status int) bool {
	switch status {
	case 409, 418:
		return false
	case 421, 422, 423, 424, 426, 428, 431, 451:
		return true
	}
	return 400 <= status && status <= 417
}

// mayRefuse reports whether a refusal in the API's own codes may come under this
// status.
func mayRefuse(status int) bool {
	return 400 <= status && status <= 499 && status != 408 && status != 425 && status != 429
}

const (
	minStatus     = 100
	maxStatus     = 599
	statusNameLen = len("HTTP 503")
)

// statusNames holds "HTTP 100" to "HTTP 599" end to end, so that naming the row
// that decided costs no allocation.
var statusNames = func() string {
	b := make([]byte, 0, (maxStatus-minStatus+1)*statusNameLen)
	for s := minStatus; s <= maxStatus; s++ {
		b = strconv.AppendInt(append(b, "HTTP "...), int64(s), 10)
	}
	return string(b)
}()

// statusName names the row of a status in a verdict.
func statusName(status int) string {
	switch {
	case status == 0:
		return ""
	case status < minStatus || status > maxStatus:
		return "invalid HTTP status"
	}
	at := (status - minStatus) * statusNameLen
	return statusNames[at : at+statusNameLen]
}
