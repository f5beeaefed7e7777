package nexpaytest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// A Fault is what goes wrong with one request. The zero Fault does nothing. A Fault
// with its own answer (Status, Code, Errors, HTML or Body), Reset or Hang prevents
// the request from being executed, unless Execute is set. All others only change the
// bank's own answer.
type Fault struct {
	Status  int               // 200 to 999; 0: 200 with Body, 502 with HTML, with Code the status in the vendor's table, or 400
	Code    classify.Code     // empty: an answer without JSON, unless there are Errors
	Message string            // empty: the vendor's message
	Data    string            // empty: none
	Errors  []classify.Detail // further errors, after Code
	HTML    bool              // a gateway's error page
	Body    []byte            // the body as it is, which may be empty; nil: none

	RetryAfter string      // the value of that header as it is; empty: none
	Header     http.Header // further headers, which replace the answer's own; such as Age, for an answer from a cache
	Truncate   int         // the answer ends this many bytes too early, so that reading its body fails

	// DelayBefore passes before the bank looks at the request, DelayAfter
	// before it answers. A client that gives up meanwhile does not keep the
	// bank from executing what it has already been sent.
	DelayBefore, DelayAfter time.Duration

	// VisibleAfter is how long lookups, changes and the history do not find a payment
	// that this request makes, as if they read from a replica that lags behind.
	// Bank.Payments and Bank.Executed find it at once.
	VisibleAfter time.Duration

	// Twice makes the request arrive twice, as behind a proxy that resends, directly
	// before the bank handles it. The bank executes the first, and its answer is
	// lost; the second is refused for its nonce (50), and the rest of the fault
	// applies to it. Each has its own line in the log.
	Twice bool

	Execute bool // the bank still executes the request; with Reset, Hang or a 5xx: executed, answer lost
	Reset   bool // the connection is reset and there is no answer
	Hang    bool // no answer, until the client gives up or the bank closes
}

// answers reports whether the fault has its own answer.
func (f *Fault) answers() bool {
	return f.Status != 0 || f.Code != "" || len(f.Errors) > 0 || f.HTML || f.Body != nil
}

// replaces reports whether the fault replaces the bank's own answer.
func (f *Fault) replaces() bool { return f.answers() || f.Reset || f.Hang }

// check reports every field that cannot be sent.
func (f *Fault) check() error {
	var errs []error
	if f.Status != 0 && (f.Status < 200 || f.Status > 999) {
		errs = append(errs, fmt.Errorf("nexpaytest: Fault.Status %d cannot be sent", f.Status))
	}
	kinds := 0
	for _, is := range []bool{f.Code != "" || len(f.Errors) > 0, f.HTML, f.Body != nil} {
		if is {
			kinds++
		}
	}
	if kinds > 1 {
		errs = append(errs, errors.New("nexpaytest: a Fault has more than one of Code, HTML and Body"))
	}
	if f.Code == "" && (f.Message != "" || f.Data != "") {
		errs = append(errs, errors.New("nexpaytest: a Fault has a Message or Data but no Code"))
	}
	if f.DelayBefore < 0 || f.DelayAfter < 0 || f.VisibleAfter < 0 || f.Truncate < 0 {
		errs = append(errs, errors.New("nexpaytest: a delay or Truncate of a Fault is negative"))
	}
	if !sendable(f.RetryAfter) {
		errs = append(errs, errors.New("nexpaytest: Fault.RetryAfter cannot be sent in a header"))
	}
	for name, values := range f.Header {
		if !token(name) || !sendable(strings.Join(values, "")) {
			errs = append(errs, fmt.Errorf("nexpaytest: Fault.Header %q cannot be sent", name))
		}
	}
	return errors.Join(errs...)
}

func sendable(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// token reports whether name is a valid header name.
func token(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}
