package classify

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// maxDepth is the deepest nesting of an answer.
const maxDepth = 64

// A scanner reads JSON text once and returns the values that are asked for. encoding/json
// does not fit because it ignores the case of keys, lets the last of two equal keys win,
// returns nothing for text that is cut off, and allocates for values that are not needed:
// a small hostile answer can cost hundreds of times its size. Apart from maxDepth, a
// scanner accepts what json.Valid does.
type scanner struct {
	text  []byte
	at    int
	depth int
	bad   bool // the text is cut off, not JSON, or too deep; reading has ended
}

// fail ends the scan.
func (s *scanner) fail() { s.bad, s.at = true, len(s.text) }

// peek skips blanks and returns the next byte, or 0 at the end of the text.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// accept consumes the next byte if it is c.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c || s.at >= len(s.text) {
		return false
	}
	s.at++
	return true
}

// end reports whether only blanks are left.
func (s *scanner) end() bool {
	s.peek()
	return !s.bad && s.at == len(s.text)
}

// object calls member for each member of an object, in order, with the text of its key.
// member must consume the value.
func (s *scanner) object(member func(key []byte)) {
	s.group('{', '}', func() {
		if s.peek() != '"' {
			s.fail()
			return
		}
		key := s.value()
		if !s.accept(':') {
			s.fail()
		}
		if !s.bad {
			member(key)
		}
	})
}

// array calls element for each element of an array. element must consume it.
func (s *scanner) array(element func()) { s.group('[', ']', element) }

func (s *scanner) group(open, closing byte, item func()) {
	if !s.accept(open) || s.depth == maxDepth {
		s.fail()
		return
	}
	s.depth++
	defer func() { s.depth-- }()
	if s.accept(closing) {
		return
	}
	for !s.bad {
		item()
		switch {
		case s.bad:
		case s.accept(','):
		case s.accept(closing):
			return
		default:
			s.fail()
		}
	}
}

// value consumes the next value and returns its text, or nil if it is incomplete.
func (s *scanner) value() []byte {
	first := s.peek()
	start := s.at
	switch first {
	case '{':
		s.object(func([]byte) { s.value() })
	case '[':
		s.array(func() { s.value() })
	case '"':
		s.str()
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.number()
	}
	if s.bad {
		return nil
	}
	return s.text[start:s.at]
}

func (s *scanner) literal(word string) {
	if !bytes.HasPrefix(s.text[s.at:], []byte(word)) {
		s.fail()
		return
	}
	s.at += len(word)
}

// str consumes a string; the opening quote is known to be there.
func (s *scanner) str() {
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return
		case c < ' ':
			s.fail()
		case c == '\\':
			s.escape()
		}
	}
	s.fail()
}

// escape consumes an escape sequence except its last byte.
func (s *scanner) escape() {
	s.at++
	if s.at >= len(s.text) {
		return
	}
	switch s.text[s.at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return
	case 'u':
		for range 4 {
			s.at++
			if s.at >= len(s.text) || !hex(s.text[s.at]) {
				s.fail()
				return
			}
		}
		return
	}
	s.fail()
}

func hex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// number consumes a number as JSON writes it: no leading zero, no bare point.
func (s *scanner) number() {
	s.skip('-')
	if !s.skip('0') {
		s.digits()
	}
	if s.skip('.') {
		s.digits()
	}
	if s.skip('e') || s.skip('E') {
		if !s.skip('-') {
			s.skip('+')
		}
		s.digits()
	}
}

func (s *scanner) skip(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) digits() {
	start := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	if s.at == start {
		s.fail()
	}
}

// spells reports whether the text of a key stands for name. It does not allocate, because
// there may be thousands of keys.
func spells(key []byte, name string) bool {
	key = key[1 : len(key)-1]
	if len(key) < len(name) { // an escape is longer than its character
		return false
	}
	for len(key) > 0 && name != "" {
		if key[0] != '\\' {
			if key[0] != name[0] {
				return false
			}
			key, name = key[1:], name[1:]
			continue
		}
		r, size := escaped(key)
		want, width := utf8.DecodeRuneInString(name)
		if r != want || r == utf8.RuneError && width == 1 {
			return false
		}
		key, name = key[size:], name[width:]
	}
	return len(key) == 0 && name == ""
}

// escaped returns the character of a valid escape sequence, and the length of the
// sequence.
func escaped(text []byte) (r rune, size int) {
	if at := strings.IndexByte(`"\/bfnrt`, text[1]); at >= 0 {
		return rune("\"\\/\b\f\n\r\t"[at]), 2
	}
	return unescape(text)
}

// unquote returns the string that the text of a value stands for, or "" if it is not one.
func unquote(text []byte) string {
	if len(text) < 2 || text[0] != '"' {
		return ""
	}
	inner := text[1 : len(text)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var out string
	if json.Unmarshal(text, &out) != nil {
		return ""
	}
	return out
}
