package nexpaytest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// A Fault is what goes wrong with one request. The zero Fault is nothing: the
// bank behaves. A Fault with an answer of its own (Status, Code, Errors, HTML
// or Body), Reset or Hang keeps the request from being executed, unless Execute
// is set; all others only spoil the bank's own answer.
type Fault struct {
	Status  int               // 200 to 999; 0: what goes with the rest: 200 for Body, 502 for HTML, for Code what the vendor's table says, or 400
	Code    classify.Code     // 0: an answer without JSON, unless there are Errors
	Message string            // empty: the vendor's
	Data    string            // empty: none
	Errors  []classify.Detail // more of them, after Code
	HTML    bool              // a gateway's error page
	Body    []byte            // any body at all, as it is, also an empty one; nil: none of its own

	RetryAfter string      // value of that header, as it is; empty: none
	Header     http.Header // more of them, in place of the answer's own; such as Age, for an answer out of a cache
	Truncate   int         // the answer breaks off this many bytes before its end; an error in reading its body

	// DelayBefore passes before the bank looks at the request, DelayAfter
	// before it answers. A client that gives up meanwhile does not keep the
	// bank from executing what it has already been sent.
	DelayBefore, DelayAfter time.Duration

	// VisibleAfter is how long lookups, changes and the history do not find a
	// payment that this request makes, as where they are answered from a
	// replica that lags behind. Bank.Payments and Bank.Executed do.
	VisibleAfter time.Duration

	// Twice has the request arrive twice, as behind a proxy that repeats what it
	// sends, right before the bank looks at it. The bank executes the first and
	// its answer is lost; the second goes on, to be refused for its nonce (50),
	// and meets the rest of the fault. Each has its line in the log.
	Twice bool

	Execute bool // the bank does its work all the same; with Reset, Hang or a 5xx: executed, answer lost
	Reset   bool // the connection is reset instead of an answer
	Hang    bool // no answer, until the client gives up or the bank closes
}

// answers reports whether the fault has an answer of its own.
func (f *Fault) answers() bool {
	return f.Status != 0 || f.Code != "" || len(f.Errors) > 0 || f.HTML || f.Body != nil
}

// replaces reports whether the fault takes the place of the bank's own answer.
func (f *Fault) replaces() bool { return f.answers() || f.Reset || f.Hang }

// check reports everything that cannot be sent.
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
		errs = append(errs, errors.New("nexpaytest: a Fault has more than one answer of Code, HTML and Body"))
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

// token reports whether a header can have that name.
func token(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}
