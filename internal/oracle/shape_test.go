package oracle_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// An answer is what the bank says: a reference, that it knows of nothing, or a
// failure of some shape.
type answer struct {
	ref    string
	absent bool
	shape  *shape
	after  time.Duration // the bank is at it for that long
}

func (a answer) String() string {
	switch {
	case a.shape != nil:
		return a.shape.name
	case a.absent:
		return "absent"
	}
	return a.ref
}

// A shape is a failure as Send returns it, and what rule M3 says about it. That is
// written down here by hand, not asked of the engine.
type shape struct {
	name   string
	err    error
	proof  bool // a refusal, or a connection that was never made: it shows that nothing happened …
	alone  bool // … if nothing below Send repeats requests
	answer bool // the bank's, or in its name
	unsent bool // whoever refused it knows that nothing was written
	nested bool // it is the error of another call
}

// proves reports whether the shape settles that its send changed nothing, when l is
// what was told of its connections.
func (s *shape) proves(l line, noReplay bool) bool {
	switch {
	case s.nested:
		return false
	case s.answer:
		return s.proof && (l.got <= 1 || noReplay) || s.alone && noReplay
	case l.got > 0:
		return false
	case l.asked > 0: // and none was made, whatever the error is called
		return true
	}
	return s.unsent || s.proof && noReplay // nobody tells of connections
}

func said(status int, body string, header ...string) error {
	h := http.Header{}
	if len(header) == 2 {
		h.Set(header[0], header[1])
	}
	return classify.Decode(status, h, []byte(body))
}

func coded(codes ...string) string {
	details := make([]string, len(codes))
	for i, c := range codes {
		details[i] = `{"code":` + c + `,"message":"no"}`
	}
	return `{"errors":[` + strings.Join(details, ",") + `],"traceId":"5f2c"}`
}

// Refusals, in the bank's own words.
var (
	staleNonce     = &shape{name: "50", err: said(403, coded("50")), alone: true}
	wrongParameter = &shape{name: "30010", err: said(400, coded("30010")), proof: true}
	duplicate      = &shape{name: "30000", err: said(400, coded("30000")), proof: true}
	keyLocked      = &shape{name: "100", err: said(403, coded("100")), proof: true}
	suspended      = &shape{name: "130", err: said(403, coded("130")), proof: true}
	notAllowed     = &shape{name: "80", err: said(403, coded("80")), proof: true}
	unknownCode    = &shape{name: "422 with 999", err: said(422, coded("999"))}
	twoMistakes    = &shape{name: "30010 and 20000", err: said(400, coded("30010", "20000")), proof: true}
	internal       = &shape{name: "500 -32603", err: said(500, coded("-32603"))}
	otherBody      = &shape{name: "30010 for another body", err: said(400, coded("30010")), proof: true}
	inProgress     = &shape{name: "409 in progress", err: said(409, `{"status":"in progress"}`)}
	wrongAnswer    = &shape{name: "30010", err: said(400, coded("30010"))}
	bareNotFound   = &shape{name: "404 bare", err: said(404, "")}
)

// denials are refusals that the bank may come up with at any time.
var denials = []*shape{notAllowed, unknownCode, twoMistakes}

// damages are answers that prove nothing: they may stand for anything.
var damages = []*shape{
	{name: "502 HTML", err: said(502, "<html>bad gateway</html>")},
	{name: "503 bare", err: said(503, "", "Retry-After", "2")},
	{name: "503 for ever", err: said(503, "", "Retry-After", "9223372036")},
	{name: "500 with 80", err: said(500, coded("80"))},
	{name: "404 bare", err: said(404, "")},
	{name: "403 HTML", err: said(403, "<html>denied</html>")},
	{name: "400 without code", err: said(400, `{"errors":[{"message":"no"}]}`)},
	{name: "400 with an unreadable code", err: said(400, coded(`"x"`))},
	{name: "400 with one unreadable code", err: said(400, coded("30010", `"x"`))},
	{name: "400 cut off", err: said(400, coded("30010")[:40])},
	{name: "400 with 17 codes", err: said(400, coded(strings.Split(strings.Repeat("30010 ", 16)+"80", " ")...))},
	{name: "408 with 80", err: said(408, coded("80"))},
	{name: "409 with 30000", err: said(409, coded("30000"))},
	{name: "425 with 80", err: said(425, coded("80"))},
	{name: "429 with 30010", err: said(429, coded("30010"), "Retry-After", "1")},
	{name: "400 with 30010 and -32603", err: said(400, coded("30010", "-32603"))},
	{name: "302", err: said(302, "")},
	{name: "200 with errors", err: said(200, coded("30010"))},
	{name: "200 cut off", err: classify.Undecodable(io.ErrUnexpectedEOF)},
}

// final reports whether a send that ends so is not followed by another one, whatever
// it proves.
func (s *shape) final() bool {
	return s != nil && classify.Nexpay().Classify(s.err).Class != classify.Retryable
}

// replayed are answers to a second copy. Where nothing repeats requests there is none.
var replayed = []*shape{
	staleNonce,
	{name: "50 and 80", err: said(403, coded("50", "80")), alone: true},
	{name: "30010 and 50", err: said(400, coded("30010", "50")), alone: true},
}

func onTheWire(op string, err error) error {
	return &url.Error{Op: "Post", URL: "https://bank.test/", Err: &net.OpError{Op: op, Net: "tcp", Err: err}}
}

// breaks are how a connection ends that was there.
var breaks = []*shape{
	{name: "reset", err: onTheWire("read", syscall.ECONNRESET)},
	{name: "EOF", err: &url.Error{Op: "Post", URL: "https://bank.test/", Err: io.EOF}},
	{name: "broken pipe", err: onTheWire("write", syscall.EPIPE)},
	{name: "strange", err: errors.New("strange")},
	{name: "refused, or reset", err: errors.Join(onTheWire("dial", syscall.ECONNREFUSED), onTheWire("read", syscall.ECONNRESET))},
	{name: "EOF, or 30010", err: errors.Join(io.EOF, said(400, coded("30010")))},
}

// unconnected are the failures of a connection that never was. They prove
// something if there was no other one before.
var unconnected = []*shape{
	{name: "refused", err: onTheWire("dial", syscall.ECONNREFUSED), proof: true},
	{name: "no such host", err: onTheWire("dial", &net.DNSError{Err: "no such host", Name: "bank.test", IsNotFound: true}), proof: true},
	{name: "refused twice", err: errors.Join(onTheWire("dial", syscall.ECONNREFUSED), onTheWire("dial", syscall.ENETUNREACH)), proof: true},
	{name: "dial timeout", err: onTheWire("dial", context.DeadlineExceeded), proof: true},
	{name: "certificate", err: &url.Error{Op: "Post", URL: "https://bank.test/", Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, proof: true},
}

// unsendables are what somebody above the network refuses.
var unsendables = []*shape{
	{name: "not signed", err: notSent{}, unsent: true},
	{name: "not signed, wrapped", err: fmt.Errorf("client: %w", notSent{}), unsent: true},
}

type notSent struct{}

func (notSent) Error() string { return "no secret for this key" }
func (notSent) NotSent() bool { return true }

func init() {
	for _, s := range slices.Concat(denials, damages, replayed, []*shape{
		staleNonce, wrongParameter, duplicate, keyLocked, suspended, internal, otherBody, inProgress, wrongAnswer, bareNotFound,
	}) {
		s.answer = true
	}
}

// anothers is the error of another call.
var anothers error = &retry.Error{Reason: retry.ErrFatal, Last: said(403, coded("80"))}

// every is an error of every class, and some of none.
var every = slices.Concat(denials, damages, replayed, breaks, unconnected, unsendables, []*shape{
	staleNonce, wrongParameter, suspended, keyLocked, internal,
	{name: "canceled", err: context.Canceled},
	{name: "deadline", err: context.DeadlineExceeded},
	{name: "unknown outcome", err: retry.ErrOutcomeUnknown},
	{name: "applied", err: retry.ErrApplied},
	{name: "nested", err: retry.ErrNested},
	{name: "another call's", err: anothers},
	{name: "typed nil", err: (*classify.Error)(nil)},
	{name: "typed nil call", err: (*retry.Error)(nil)},
})

// hiding is the failure of a second try, after a first one that went out.
func (s *shape) hiding() *shape {
	return &shape{name: s.name + " after a hidden first try", err: s.err}
}
