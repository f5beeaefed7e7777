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

// Decode makes an Error of an answer that is already at hand. It takes any bytes
// for a body: what it cannot read is left out, so at worst the status remains. Of
// the body the first 64 KiB are looked at. The header may be nil.
//
// The form it knows is {"errors":[{"code":…,"message":…,"data":…}],"traceId":…},
// keys in exactly this case, and others ignored. An "errors" that says that there
// are none (null, false, 0, "", [] or {}) is none. A code may be an integer, a number
// with an integer value such as 5e1, or a string that holds an integer. A detail
// with two codes has none. A traceId is a number or a word: it ends before the first
// character that could break a line or a log, and after 128 bytes.
func Decode(status int, header http.Header, body []byte) *Error {
	e, whole, _ := parse(body[:min(len(body), maxBody)])
	e.Status, e.RetryAfter = status, retryAfter(header)
	e.partial = e.partial || !whole || len(body) > maxBody || unread(header, body)
	return e
}

// unread reports whether a body is none that parse reads, yet may hold an answer:
// another JSON value, or text in some encoding. HTML, plain text and nothing at all
// are no error answer, rather than half of one.
func unread(header http.Header, body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, mark), " \t\r\n")
	if len(body) == 0 || body[0] == '{' {
		return false
	}
	encoding := header.Get("Content-Encoding")
	first, _ := utf8.DecodeRune(body)
	return first == '[' || first == '"' || first == utf8.RuneError || !unicode.IsGraphic(first) ||
		encoding != "" && !strings.EqualFold(encoding, "identity")
}

// mark is what some servers write before UTF-8. No JSON begins with it.
var mark = []byte("\ufeff")

// parse reads what it can of a body of any length. It reports whether that was all
// of it, and whether a member called "error" complains, in whatever form; a body
// that does not even begin as an object holds nothing to read, but an array may nest
// too deep.
func parse(body []byte) (e *Error, whole, complains bool) {
	e = new(Error)
	s := scanner{text: bytes.TrimPrefix(body, mark)}
	switch s.peek() {
	case '{':
	case '[':
		s.value()
		return e, s.end(), false
	default:
		return e, true, false
	}
	var trace []byte
	s.object(func(key []byte) {
		if spells(key, "errors") {
			all := readDetails(&s, e)
			e.partial = e.partial || !all
			return
		}
		text := s.value()
		if trace == nil && spells(key, "traceId") && !(s.at == len(s.text) && numeric(text)) { // which may go on
			trace = text
		}
		complains = complains || spells(key, "error") && !s.bad && !saysNone(text)
	})
	e.TraceID = readTrace(trace)
	return e, s.end(), complains
}

// readDetails takes the value of "errors" and reports whether all that it holds is
// now in e. A server that sends "errors" twice gets both counted, so that neither
// can hide the other; what stands there in place of a list counts as one detail.
func readDetails(s *scanner, e *Error) bool {
	all := true
	add := func() {
		if len(e.Details) == maxDetails {
			e.skip(s)
			all = false
		} else if d := readDetail(s).detail(); !s.bad {
			e.Details = append(e.Details, d)
		}
	}
	if s.peek() == '[' {
		s.array(add)
		return all
	}
	ahead := *s
	if text := ahead.value(); saysNone(text) {
		*s = ahead
		return true
	}
	add()
	return false
}

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

// skip takes one element of "errors" that there is no room for. Its code counts
// all the same, or sixteen harmless errors would hide one that locks the key out;
// only where there are absurdly many nothing more is read.
func (e *Error) skip(s *scanner) {
	e.skipped++
	if e.skipped > maxSkipped {
		s.value()
		return
	}
	code := readDetail(s).code()
	if code != 0 && !s.bad && !slices.Contains(e.beyond, code) {
		e.beyond = append(e.beyond, code)
	}
}

// A rawDetail is one element of "errors", as text.
type rawDetail struct {
	number, message, data []byte
	codes                 int
}

// readDetail takes one element of "errors".
func readDetail(s *scanner) (d rawDetail) {
	if s.peek() != '{' {
		s.value()
		return d
	}
	s.object(func(key []byte) {
		text := s.value()
		switch {
		case spells(key, "code"):
			d.number = text
			d.codes++
		case d.message == nil && spells(key, "message"):
			d.message = text
		case d.data == nil && spells(key, "data"):
			d.data = text
		}
	})
	return d
}

func (d rawDetail) detail() Detail {
	return Detail{Code: d.code(), Message: readText(d.message), Data: readText(d.data)}
}

func (d rawDetail) code() Code {
	if d.codes != 1 {
		return 0
	}
	return readCode(d.number)
}

// readCode reads a code, 0 if it is none. In a float's spelling only numbers are
// taken that a float64 holds exactly.
func readCode(text []byte) Code {
	const exact, longest = 1 << 53, 64
	if len(text) > longest {
		return 0
	}
	word := string(text)
	if strings.HasPrefix(word, `"`) {
		word = unquote(text)
	} else if f, err := strconv.ParseFloat(word, 64); err == nil && f > -exact && f < exact && f == float64(int64(f)) {
		word = strconv.FormatInt(int64(f), 10)
	}
	n, err := strconv.Atoi(word)
	if err != nil {
		return 0
	}
	return Code(n)
}

// readTrace reads a trace id, a string or a number. It stands in every line about
// the answer, so it must not read like a statement of ours: it ends where it stops
// being a word. Support finds what it needs by the beginning, too.
func readTrace(text []byte) string {
	id := string(text[:min(len(text), maxTrace)])
	if strings.HasPrefix(id, `"`) {
		id = strings.TrimLeftFunc(unquote(clip(text)), breaksWord)
	} else if !numeric(text) {
		return "" // true, null, a list
	}
	if end := strings.IndexFunc(id, breaksWord); end >= 0 {
		id = id[:end]
	}
	if len(id) > maxTrace {
		id = strings.ToValidUTF8(id[:maxTrace], "")
	}
	return id
}

// numeric reports whether the text of a value is that of a number.
func numeric(text []byte) bool {
	return len(text) > 0 && (text[0] == '-' || '0' <= text[0] && text[0] <= '9')
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
	in := unquote(clip(text))
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

// clip shortens the text of a long string, between two of its characters, so that
// little of what is not kept gets copied.
func clip(text []byte) []byte {
	const most = 64 * maxText
	if len(text) <= most || text[0] != '"' {
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
