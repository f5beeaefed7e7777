package echo_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What Blot does, done plainly: each message is searched for each text, and folded for
// it, letter by letter. It takes a second where Blot takes a few milliseconds.

const (
	shortest = 8
	run      = 16
)

// plainly returns which bytes of a message repeat a text. With all it marks every place
// where a text stands, else those that do not overlap the one before.
func plainly(message string, texts []string, all bool) []bool {
	p := plain{make([]bool, len(message)), all}
	halfAnEscape := regexp.MustCompile(`(%[0-9A-Fa-f]?|&#?[0-9A-Za-z]*)$`)
	f := fold(halfAnEscape.ReplaceAllString(message, ""))
	for _, t := range texts {
		exact := strings.ToValidUTF8(t, "")
		for _, at := range p.places(message, exact) {
			p.mark(at, at+len(exact))
		}
		p.letters(f, fold(t).text)
	}
	return p.marks
}

type plain struct {
	marks []bool
	all   bool
}

func (p *plain) mark(from, to int) {
	for i := from; i < to; i++ {
		p.marks[i] = true
	}
}

func (p *plain) places(text, part string) (at []int) {
	for from := 0; part != ""; {
		i := strings.Index(text[from:], part)
		if i < 0 {
			break
		}
		at = append(at, from+i)
		if from += i + 1; !p.all {
			from += len(part) - 1
		}
	}
	return at
}

func (p *plain) letters(f folded, letters string) {
	n := min(run, len(letters))
	if n < shortest {
		return
	}
	if len(letters) <= run {
		for _, at := range p.places(f.text, letters) {
			p.mark(f.spans[at].start, f.spans[at+n-1].end)
		}
	} else {
		for at := range max(len(f.text)-run+1, 0) {
			if strings.Contains(letters, f.text[at:at+run]) {
				p.mark(f.spans[at].start, f.spans[at+n-1].end)
			}
		}
	}
	for n := min(n-1, len(f.text)); n >= shortest; n-- {
		if end := len(f.text) - n; strings.HasPrefix(letters, f.text[end:]) {
			p.mark(f.spans[end].start, len(p.marks))
		}
	}
}

// blotted is a message without what is marked.
func blotted(message string, marks []bool) string {
	var out strings.Builder
	for i := range len(message) {
		switch {
		case !marks[i]:
			out.WriteByte(message[i])
		case i == 0 || !marks[i-1]:
			out.WriteString("[…]")
		}
	}
	return out.String()
}

type folded struct {
	text  string
	spans []span
}

type span struct{ start, end int }

func fold(text string) folded {
	bytes, spans := []byte(text), make([]span, len(text))
	for i := range spans {
		spans[i] = span{i, i + 1}
	}
	for range 3 {
		n := len(bytes)
		bytes, spans = unescape(bytes, spans)
		if len(bytes) == n {
			break
		}
	}
	return onlyLetters(bytes, spans)
}

func unescape(in []byte, from []span) (out []byte, spans []span) {
	for i := 0; i < len(in); {
		plain, n := escape(in[i:])
		for _, c := range []byte(plain) {
			out, spans = append(out, c), append(spans, span{from[i].start, from[i+n-1].end})
		}
		i += n
	}
	return out, spans
}

func escape(in []byte) (plain string, n int) {
	head := string(in[:min(len(in), 10)])
	if head[0] == '%' && len(head) >= len("%41") {
		if plain, err := url.PathUnescape(head[:len("%41")]); err == nil {
			return plain, len("%41")
		}
	}
	if end := strings.IndexByte(head, ';') + 1; head[0] == '&' && end > 0 {
		if plain := html.UnescapeString(head[:end]); plain != head[:end] {
			return plain, end
		}
	}
	return head[:1], 1
}

func onlyLetters(in []byte, from []span) (f folded) {
	var text strings.Builder
	for i := 0; i < len(in); {
		r, n := utf8.DecodeRune(in[i:])
		if r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			size, _ := text.WriteRune(unicode.ToLower(r))
			for range size {
				f.spans = append(f.spans, span{from[i].start, from[i+n-1].end})
			}
		}
		i += n
	}
	f.text = text.String()
	return f
}
