package classify

import "strconv"

// statusRow classifies an HTTP status for an answer without a known code. A status
// outside 2xx to 5xx is not a final answer, and so says nothing.
//
// Only a 4xx with a registered meaning that is a refusal proves that nothing was applied.
// A gateway reports 499 for a client that hung up during the request; 409 may be
// about an earlier copy of the request that is still in progress; the meaning of the
// others is unknown.
func statusRow(status int) (Class, Effect) {
	switch {
	case status < 200 || status > 599:
		return Unclassified, Unknown
	case status < 300: // an error in a 2xx, or an unreadable 2xx: the request may have been executed
		return Retryable, Unknown
	case status < 400: // redirects are refused: following one would hand key and signature to another host
		return Fatal, Unknown
	}
	switch status {
	case 400, 422:
		return FixAndResend, NotApplied
	case 408, 425, 429: // often sent by a gateway, which does not know what became of the request
		return Retryable, Unknown
	case 421: // wrong connection: another one may work (RFC 9110, section 15.5.20)
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

// refusal reports whether a 4xx without a code is a refusal: it has a meaning in IANA's
// registry of status codes, and is not 409.
func refusal(status int) bool {
	switch status {
	case 409, 418:
		return false
	case 421, 422, 423, 424, 426, 428, 431, 451:
		return true
	}
	return 400 <= status && status <= 417
}

// mayRefuse reports whether an answer with this status and the API's own code can be a
// refusal.
func mayRefuse(status int) bool {
	return 400 <= status && status <= 499 && status != 408 && status != 425 && status != 429
}

const (
	minStatus     = 100
	maxStatus     = 599
	statusNameLen = len("HTTP 503")
)

// statusNames holds "HTTP 100" to "HTTP 599" end to end, so that naming the status
// allocates nothing.
var statusNames = func() string {
	b := make([]byte, 0, (maxStatus-minStatus+1)*statusNameLen)
	for s := minStatus; s <= maxStatus; s++ {
		b = strconv.AppendInt(append(b, "HTTP "...), int64(s), 10)
	}
	return string(b)
}()

// statusName names a status in a verdict.
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
