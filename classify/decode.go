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
	maxBody = 64 << 10 // bytes of an error answer that are read
	maxText = 256      // bytes of one server text that are kept

	maxTrace = 128 // bytes of a trace id
)

// Decode makes an Error of an answer whose body has been read, for an API whose answers
// have the zero [Shape]. See [Catalog.Decode].
func Decode(status int, header http.Header, body []byte) *Error {
	return standard.decode(status, header, body)
}

// Decode makes an Error of an answer whose body has been read. It accepts any bytes as
// body and leaves out what it cannot read, so the result has at least the status. It
// reads the first 64 KiB of the body. The header may be nil.
//
// Decode reads the places that the catalog's [Shape] names, and ignores the rest. Keys
// are case-sensitive. In place of a list of errors, null, false, 0, "", [] and {} mean
// that there are none. A trace id is a number or a word. It ends before the first
// character that could break a line or a log, and after 128 bytes.
func (c *Catalog) Decode(status int, header http.Header, body []byte) *Error {
	return c.reads().decode(status, header, body)
}

func (s *shape) decode(status int, header http.Header, body []byte) *Error {
	a := s.parse(body[:min(len(body), maxBody)], header)
	e := a.error
	e.Status, e.RetryAfter = status, s.retryAfter(status, header)
	e.partial = e.partial || !a.whole || len(body) > maxBody || !a.begun && unread(header, body)
	if s.StatusDecides && 200 <= status && status <= 299 {
		e.Details = nil // not the details of an error
	}
	return e
}

// unread reports whether parse cannot read the body although it may hold an answer:
// another JSON value, or text in some encoding. HTML, plain text and an empty body are
// not error answers at all.
func unread(header http.Header, body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, mark), " \t\r\n")
	if len(body) == 0 || body[0] == '{' { // an object with none of the paths
		return false
	}
	encoding := header.Get("Content-Encoding")
	first, _ := utf8.DecodeRune(body)
	return first == '[' || first == '"' || first == utf8.RuneError || !unicode.IsGraphic(first) ||
		encoding != "" && !strings.EqualFold(encoding, "identity")
}

// isHTML reports whether the body begins as HTML pages do.
func isHTML(body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, mark), " \t\r\n")
	for _, begin := range []string{"<!doctype html", "<html"} {
		if len(body) >= len(begin) && strings.EqualFold(string(body[:len(begin)]), begin) {
			return true
		}
	}
	return false
}

// mark is the byte order mark that some servers write before UTF-8. No JSON begins with
// it.
var mark = []byte("\ufeff")

// saysNone reports whether the text of a value of any type means that there is no error.
// A nil text is a value that was cut off.
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

// readTrace reads a trace id, a string or a number. It appears in every line about the
// answer, so it must not look like text of this package: it ends where it stops being a
// word. The beginning is enough for the vendor's support.
func readTrace(text []byte) string { return traceWord(scalar(text)) }

// A part of a longer text is copied: it is kept for as long as an operation is in doubt or
// a key is locked, and must not keep a header of megabytes with it.
func traceWord(text string) string {
	id := strings.TrimLeftFunc(text, breaksWord)
	if end := strings.IndexFunc(id, breaksWord); end >= 0 {
		id = id[:end]
	}
	if len(id) > maxTrace {
		id = strings.ToValidUTF8(id[:maxTrace], "")
	}
	if len(id) < len(text) {
		id = strings.Clone(id)
	}
	return id
}

// breaksWord reports whether a character ends a trace id: blanks, unprintable characters,
// the quotes and the backslash that logs use, and the parentheses that our texts put
// around it.
func breaksWord(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("\"'`\\()", r)
}

// readText reads a string for display. It drops what could forge or hide a log line, and
// cuts the text at maxText bytes.
func readText(text []byte) string {
	if plain := plainText(text); plain != nil { // the usual case
		return string(plain)
	}
	return clean(scalar(text))
}

// clean drops the characters that do not belong into a line of ours, and cuts the text.
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

// plainText returns the inside of a string that needs no cleaning, or nil for any other
// text.
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

// scalar returns the string or number that the text of a value stands for, or "" for
// another value.
func scalar(text []byte) string {
	if len(text) == 0 || text[0] == '"' {
		return unquote(clip(text))
	}
	return string(text[:min(len(text), maxText)])
}

// clip shortens the text of a long string at a character boundary, so that little is
// copied that is not kept.
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
