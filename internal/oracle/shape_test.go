package oracle_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/nexpay-go/resilience/classify"
)

// An answer is what the bank says: a reference, that it knows of nothing, or a
// failure of some shape.
type answer struct {
	ref    string
	absent bool
	shape  *shape
}

// A shape is a failure as Send returns it, and what rule M3 says about it. That is
// written down here by hand, not asked of the engine.
type shape struct {
	name  string
	err   error
	proof bool // it shows that nothing happened …
	alone bool // … if nothing below Send repeats requests
}

// proves reports whether the shape settles that its send changed nothing.
func (s *shape) proves(noReplay bool) bool { return s.proof || s.alone && noReplay }

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
	unknownCode    = &shape{name: "422 with 999", err: said(422, coded("999")), proof: true}
	twoMistakes    = &shape{name: "30010 and 20000", err: said(400, coded("30010", "20000")), proof: true}
	internal       = &shape{name: "500 -32603", err: said(500, coded("-32603"))}
)

// denials are refusals that the bank may come up with at any time.
var denials = []*shape{notAllowed, unknownCode, twoMistakes}

// damages are answers that prove nothing: they may stand for anything.
var damages = []*shape{
	{name: "502 HTML", err: said(502, "<html>bad gateway</html>")},
	{name: "503 bare", err: said(503, "", "Retry-After", "2")},
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
	{name: "certificate", err: &url.Error{Op: "Post", URL: "https://bank.test/", Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, proof: true},
}

// doubtful is shape where a request may have gone out before.
func (s *shape) doubtful() *shape {
	return &shape{name: s.name + " after a hidden first try", err: s.err}
}
