package nexpay

import (
	"errors"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/nexpay-go/resilience/classify"
)

// blotted stands for a text of the request's that an answer has echoed.
const blotted = "[…]"

const (
	// shortest is the length from which a parameter's value is blotted out.
	// Shorter ones tell nobody anything, and stand in messages by chance.
	shortest = 8

	// run is how many letters and digits of a longer text, anywhere in it, count
	// as an echo of it.
	run = 16
)

// blot takes what the answer echoes of the request out of the texts of err that
// get printed. Messages like "Wrong signature for <text>" are common, and not
// only with hostile servers. Data stays as it is: it is for the program, and
// never printed.
func blot(req *http.Request, err error) {
	e, ok := errors.AsType[*classify.Error](err)
	if !ok || e == nil {
		return
	}
	echoes := append(credentials(req), parameters(req)...)
	e.TraceID = without(e.TraceID, echoes)
	for i := range e.Details {
		e.Details[i].Message = without(e.Details[i].Message, echoes)
	}
}

// blot takes credentials out of the texts for people. An id that holds them is
// none: it gets printed, stored and handed on.
func (p *PaymentStatus) blot(req *http.Request) error {
	secrets := credentials(req)
	if without(p.PaymentID, secrets) != p.PaymentID {
		*p = PaymentStatus{}
		return classify.Undecodable(mistake("nexpay: the paymentId repeats the key or a signature of the request"))
	}
	p.RejectReason, p.ExecutionTime = without(p.RejectReason, secrets), without(p.ExecutionTime, secrets)
	return nil
}

// An echo is a text of the request's that an answer may repeat: in this very
// spelling, or in any if it has letters and digits enough not to be found by
// chance.
type echo struct{ exact, letters string }

func echoOf(text string) echo { return echo{strings.ToValidUTF8(text, ""), fold(text).text} } // as messages are valid

// halfAnEscape is what a message can end in that was cut.
var halfAnEscape = regexp.MustCompile(`(%[0-9A-Fa-f]?|&#?[0-9A-Za-z]*)$`)

// without blots the echoes out of a message.
func without(message string, echoes []echo) string {
	marks := make([]bool, len(message))
	f := fold(halfAnEscape.ReplaceAllString(message, ""))
	for _, e := range echoes {
		e.markExact(message, marks)
		e.markLetters(f, marks)
	}
	var out strings.Builder
	for i := range len(message) {
		switch {
		case !marks[i]:
			out.WriteByte(message[i])
		case i == 0 || !marks[i-1]:
			out.WriteString(blotted)
		}
	}
	return out.String()
}

func (e echo) markExact(message string, marks []bool) {
	for at := range occurrences(message, e.exact) {
		mark(marks[at : at+len(e.exact)])
	}
}

// occurrences are the places at which part stands in text.
func occurrences(text, part string) iter.Seq[int] {
	return func(yield func(int) bool) {
		for from := 0; part != ""; {
			i := strings.Index(text[from:], part)
			if i < 0 || !yield(from+i) {
				return
			}
			from += i + len(part)
		}
	}
}

// markLetters marks what the message shares with the echo: all of it, or of a
// longer one any run; and at the end of the message also a beginning that was cut
// off.
func (e echo) markLetters(f folded, marks []bool) {
	n := min(run, len(e.letters))
	if n < shortest {
		return
	}
	for at := range e.runs(f.text) {
		mark(marks[f.spans[at].start:f.spans[at+n-1].end])
	}
	for n := min(n-1, len(f.text)); n >= shortest; n-- {
		if end := len(f.text) - n; strings.HasPrefix(e.letters, f.text[end:]) {
			mark(marks[f.spans[end].start:])
		}
	}
}

// runs are the places at which a run of the echo's letters begins, or all of them.
func (e echo) runs(text string) iter.Seq[int] {
	if len(e.letters) <= run {
		return occurrences(text, e.letters)
	}
	return func(yield func(int) bool) {
		for at := range max(len(text)-run+1, 0) {
			if strings.Contains(e.letters, text[at:at+run]) && !yield(at) {
				return
			}
		}
	}
}

func mark(marks []bool) {
	for i := range marks {
		marks[i] = true
	}
}

// secretive are the names of headers that nobody is to see: ours, and those that
// a caller's own gateway may ask for. Others may well come back as a trace id.
var secretive = regexp.MustCompile(`(?i)auth|cookie|key|passw|secret|session|signature|token`)

// credentials are the key, the signatures, and what the caller's own headers hold.
func credentials(req *http.Request) []echo {
	echoes := []echo{echoOf(req.Header.Get("X-API-KEY")), echoOf(req.Header.Get("X-Signature"))}
	_, password, _ := req.BasicAuth()
	form, _ := ParseForm(body(req))
	order, _ := form.Get(signatureField)
	texts := []string{password, order}
	for name, values := range req.Header {
		if secretive.MatchString(name) {
			whole := strings.Join(values, " ")
			texts = append(append(texts, whole), strings.FieldsFunc(whole, func(r rune) bool { return strings.ContainsRune(" ,;=", r) })...)
		}
	}
	return append(echoes, long(texts)...)
}

// parameters are the values of the query and the body. Either may be hand-made
// and no form at all.
func parameters(req *http.Request) []echo {
	var values []string
	for _, encoded := range []string{req.URL.RawQuery, body(req)} {
		for pair := range strings.SplitSeq(encoded, "&") {
			_, raw, named := strings.Cut(pair, "=")
			if !named {
				raw = pair
			}
			value, err := url.QueryUnescape(raw)
			if err != nil {
				value = raw
			}
			values = append(values, value)
		}
	}
	return long(values)
}

// long are the echoes of those texts that are worth blotting out.
func long(texts []string) (echoes []echo) {
	for _, t := range texts {
		if len(t) >= shortest {
			echoes = append(echoes, echoOf(t))
		}
	}
	return echoes
}

// body is that of a signed request, which can be read again.
func body(req *http.Request) string {
	if req.GetBody == nil {
		return ""
	}
	raw, err := readBody(req)
	if err != nil {
		return ""
	}
	return string(raw)
}
