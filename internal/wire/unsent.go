package wire

import (
	"net"
	"net/http"
	"net/url"

	"github.com/nexpay-go/resilience/internal/errtree"
)

// An Unsent is the error of a request that was certainly not sent.
type Unsent struct {
	Asked bool // a connection was asked for, and none was made
	Final bool // the request cannot be sent as it is
	text  string
	err   error // the cause, nil if there is none
}

// NeverSent returns such an error for a protocol other than HTTP. The text must be
// safe to print.
func NeverSent(text string, err error, asked, final bool) *Unsent {
	return &Unsent{Asked: asked, Final: final, text: text, err: err}
}

// Error returns why the request was not sent.
func (e *Unsent) Error() string { return e.text }

// Unwrap returns the cause, which may be about anything.
func (e *Unsent) Unwrap() error { return e.err }

// SafeError returns the text, which is safe to log.
func (e *Unsent) SafeError() string { return e.text }

// NotSent reports whether the failure has nothing to do with the server: no
// connection to it was asked for.
func (e *Unsent) NotSent() bool { return !e.Asked }

// Timeout is for url.Error, which inspects only the error that it wraps.
func (e *Unsent) Timeout() bool { return isTimeout(e.err) }

// NotSent makes the error of an unsent request safe to print, as [Unanswered] does
// for others.
func NotSent(req *http.Request, err error, asked bool) error {
	op, inner := req.Method, errtree.Tidy(err)
	if ue, ok := inner.(*url.Error); ok { // of the http.Client; a nested one is about another request
		op, inner = ue.Op, errtree.Tidy(ue.Err)
	}
	u := &Unsent{Asked: asked, err: inner}
	wrong := Mistake(req)
	if wrong == "" && !isHTTP(req) {
		wrong = notHTTP
	}
	switch {
	case asked:
		u.text = says(req, inner, "no connection was made (no details, because they may quote the request)")
		if isTimeout(inner) && as[*net.OpError](inner) == nil && as[*net.DNSError](inner) == nil { // a full pool, for example
			u.text = "no connection was made: " + u.text
		}
	case wrong != "":
		u.text, u.Final = "not sent: "+wrong, true
	default:
		u.text = "not sent: " + says(req, inner, "the transport failed before it asked for a connection (no details, because they may quote the request)")
	}
	return &url.Error{Op: op, URL: place(req), Err: u}
}

// Refused returns the error of an invalid request that was not passed to any
// transport.
func Refused(req *http.Request, mistake string) error {
	return &url.Error{Op: req.Method, URL: place(req), Err: &Unsent{Final: true, text: "not sent: " + mistake}}
}
