package classify

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxBody = 64 << 10 // bytes of a failed answer that are read
	maxText = 256      // bytes of one server text that are kept

	maxTrace = 128 // bytes of a trace id
)

// Decode makes an Error of an answer that is already at hand, of an API whose answers
// have the zero [Shape]; see [Catalog.Decode].
func Decode(status int, header http.Header, body []byte) *Error {
	return standard.decode(status, header, body)
}

// Decode makes an Error of an answer that is already at hand. It takes any bytes
// for a body: what it cannot read is left out, so at worst the status remains. Of
// the body the first 64 KiB are looked at. The header may be nil.
//
// It reads what the catalog's [Shape] says, keys in exactly this case, and ignores the
// rest. In the place of a list of errors, what says that there are none (null, false, 0,
// "", [] or {}) is none. A trace id is a number or a word: it ends before the first
// character that could break a line or a log, and after 128 bytes.
func (c *Catalog) Decode(status int, header http.Header, body []byte) *Error {
	return c.shape.decode(status, header, body)
}

func (s *shape) decode(status int, header http.Header, body []byte) *Error {
	a := s.parse(body[:min(len(body), maxBody)], header)
	e := a.error
	e.Status, e.RetryAfter = status, s.retryAfter(status, header)
	e.partial = e.partial || !a.whole || len(body) > maxBody || !a.begun && unread(header, body)
	if s.StatusDecides && 200 <= status && status <= 299 {
		e.Details = nil // what is there is no error's
	}
	return e
}

// unread reports whether a body is none that parse reads, yet may hold an answer:
// another JSON value, or text in some encoding. HTML, plain text and nothing at all
// are no error answer, rather than half of one.
func unread(header http.Header, body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, mark), " \t\r\n")
	if len(body) == 0 || body[0] == '{' { // an object that has none of what is looked for
		return false
	}
	encoding := header.Get("Content-Encoding")
	first, _ := utf8.DecodeRune(body)
	return first == '[' || first == '"' || first == utf8.RuneError || !unicode.IsGraphic(first) ||
		encoding != "" && !strings.EqualFold(encoding, "identity")
}

// mark is what some servers write before UTF-8. No JSON begins with it.
var mark = []byte("\ufeff")

// saysNone reports whether the text of a value, of whatever type, says that there
// is no error. Nil is the text of a value that is cut.
func saysNone(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	switch text[0] {
	case 'n', 'f':
		return true
	case '"':
		return len(clip(text)) == len(text) && strings.TrimSpace(unquote(text)) == ""
	case '{', '[':
		return len(bytes.TrimSpace(text[1:len(text)-1])) == 0
	}
	n, err := strconv.ParseFloat(string(text[:min(len(text), maxText)]), 64)
	return err == nil && n == 0
}

// readTrace reads a trace id, a string or a number. It stands in every line about
// the answer, so it must not read like a statement of ours: it ends where it stops
// being a word. Support finds what it needs by the beginning, too.
func readTrace(text []byte) string { return traceWord(scalar(text)) }

func traceWord(id string) string {
	id = strings.TrimLeftFunc(id, breaksWord)
	if end := strings.IndexFunc(id, breaksWord); end >= 0 {
		id = id[:end]
	}
	if len(id) > maxTrace {
		id = strings.ToValidUTF8(id[:maxTrace], "")
	}
	return id
}

// breaksWord reports whether a character ends a trace id: blanks and what is not
// printable, the quotes and the backslash that logs use, and the parentheses that
// stand around it in a line of ours.
func breaksWord(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("\"'`\\()", r)
}

// readText reads a string as text for people: what could forge a log line or hide
// in one is left out, and it is cut at maxText bytes.
func readText(text []byte) string {
	if plain := plainText(text); plain != nil { // nearly always
		return string(plain)
	}
	return clean(scalar(text))
}

// clean leaves out of a text what is not fit for a line of ours, and cuts it.
func clean(in string) string {
	in = in[:min(len(in), 64*maxText)]
	out := make([]byte, 0, min(len(in), maxText))
	for _, r := range in {
		if !unicode.IsGraphic(r) || r == utf8.RuneError {
			continue
		}
		if len(out)+utf8.RuneLen(r) > maxText {
			break
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// plainText is the inside of a string of which nothing has to be left out, nil for any
// other text.
func plainText(text []byte) []byte {
	if len(text) < 2 || len(text) > maxText+2 || text[0] != '"' {
		return nil
	}
	inner := text[1 : len(text)-1]
	for i := 0; i < len(inner); {
		if c := inner[i]; ' ' <= c && c < 0x7f && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(inner[i:])
		if r < utf8.RuneSelf || r == utf8.RuneError || !unicode.IsGraphic(r) {
			return nil
		}
		i += size
	}
	return inner
}

// scalar is the string or number that the text of a value stands for, "" for another.
func scalar(text []byte) string {
	if len(text) == 0 || text[0] == '"' {
		return unquote(clip(text))
	}
	return string(text[:min(len(text), maxText)])
}

// clip shortens the text of a long string, between two of its characters, so that
// little of what is not kept gets copied.
func clip(text []byte) []byte {
	const most = 64 * maxText
	if len(text) <= most {
		return text
	}
	end := 1
	for end < most {
		switch {
		case text[end] != '\\':
			end++
		case text[end+1] == 'u':
			end += len(`\u0000`)
		default:
			end += len(`\n`)
		}
	}
	return append(slices.Clone(text[:end]), '"')
}
