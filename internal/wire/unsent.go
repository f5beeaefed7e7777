package wire

import (
	"net/http"
	"net/url"

	"github.com/nexpay-go/resilience/internal/errtree"
)

// An Unsent is an error of a request that is known not to have been sent.
type Unsent struct {
	Asked bool // for a connection, and none was made
	Final bool // the request cannot be sent as it is
	text  string
	err   error // what was below, nil if nothing
}

// NeverSent makes such an error for another protocol than HTTP. The text has to be fit to
// be printed.
func NeverSent(text string, err error, asked, final bool) *Unsent {
	return &Unsent{Asked: asked, Final: final, text: text, err: err}
}

// Error says why it was not sent.
func (e *Unsent) Error() string { return e.text }

// Unwrap returns what was below, which may be about anything.
func (e *Unsent) Unwrap() error { return e.err }

// SafeError says that this text is fit to be logged.
func (e *Unsent) SafeError() string { return e.text }

// NotSent reports whether the server has nothing to do with it: whether nobody
// tried to reach it.
func (e *Unsent) NotSent() bool { return !e.Asked }

// Timeout is asked for by url.Error, which looks no deeper than this.
func (e *Unsent) Timeout() bool { return isTimeout(e.err) }

// NotSent makes such an error fit to be printed, as [Unanswered] does for others.
func NotSent(req *http.Request, err error, asked bool) error {
	op, inner := req.Method, errtree.Tidy(err)
	if ue, ok := inner.(*url.Error); ok { // of the http.Client around it; one further in is about another request
		op, inner = ue.Op, errtree.Tidy(ue.Err)
	}
	u := &Unsent{Asked: asked, err: inner}
	wrong := Mistake(req)
	if wrong == "" && !isHTTP(req) {
		wrong = notHTTP
	}
	switch {
	case asked:
		u.text = says(req, inner, "no connection was made (no details, as they may quote the request)")
		if u.text == timeout {
			u.text = "no connection was made: timeout"
		}
	case wrong != "":
		u.text, u.Final = "not sent: "+wrong, true
	default:
		u.text = "not sent: " + says(req, inner, "what is below failed before it asked for a connection (no details, as they may quote the request)")
	}
	return &url.Error{Op: op, URL: place(req), Err: u}
}

// Refused is the error of a request with a mistake in it, which nobody was given.
func Refused(req *http.Request, mistake string) error {
	return &url.Error{Op: req.Method, URL: place(req), Err: &Unsent{Final: true, text: "not sent: " + mistake}}
}
