// Package echo finds what an answer repeats of its request, so that it can be
// blotted out before anybody prints it. Messages like "Wrong signature for <text>"
// are common, and not only with hostile servers.
package echo

import (
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strings"
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

// An Echo is a text of the request's that an answer may repeat: in this very
// spelling, or in any if it has letters and digits enough not to be found by
// chance.
type Echo struct{ exact, letters string }

// Of returns the echo of a text.
func Of(text string) Echo { return Echo{strings.ToValidUTF8(text, ""), fold(text).text} } // as messages are valid

// halfAnEscape is what a message can end in that was cut.
var halfAnEscape = regexp.MustCompile(`(%[0-9A-Fa-f]?|&#?[0-9A-Za-z]*)$`)

// Without blots the echoes out of a message.
func Without(message string, echoes []Echo) string {
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

func (e Echo) markExact(message string, marks []bool) {
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
func (e Echo) markLetters(f folded, marks []bool) {
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
func (e Echo) runs(text string) iter.Seq[int] {
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

// Long are the echoes of those texts that are worth blotting out.
func Long(texts []string) (echoes []Echo) {
	for _, t := range texts {
		if len(t) >= shortest {
			echoes = append(echoes, Of(t))
		}
	}
	return echoes
}

// Headers are the echoes of the headers that nobody is to see, and of their parts.
func Headers(header http.Header) []Echo {
	var texts []string
	for name, values := range header {
		if secretive.MatchString(name) {
			whole := strings.Join(values, " ")
			texts = append(append(texts, whole), strings.FieldsFunc(whole, func(r rune) bool { return strings.ContainsRune(" ,;=", r) })...)
		}
	}
	return Long(texts)
}

// Values are the echoes of the values in a query or a form. Either may be
// hand-made and no form at all.
func Values(encoded string) []Echo {
	var values []string
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
	return Long(values)
}

// Words are the echoes of the words of a body of any kind: of what stands between
// blanks and the punctuation of JSON, XML and forms.
func Words(body string) []Echo {
	return Long(strings.FieldsFunc(body, func(r rune) bool { return strings.ContainsRune("\"{}[],:&=<>\\ \t\r\n", r) }))
}
