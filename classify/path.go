package classify

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of a path.
const (
	maxPath  = 256  // bytes
	maxSteps = 16   // names, indexes and [*]
	maxStars = 3    // of these, [*]
	maxIndex = 9999 // of an element
)

// A segment is one step of a path: to a member of an object, to one element of an array,
// or to each element.
type segment struct {
	name  string
	index int // −1: a name, or each
	each  bool
}

// A pathFault is a mistake in a path and its column, in bytes from 1.
type pathFault struct {
	column int
	text   string
}

// parsePath parses a JSONPath (RFC 9535) of names, indexes and [*].
func parsePath(text string) (segments []segment, fault *pathFault) {
	p := pathParser{text: text}
	if len(text) > maxPath {
		return nil, &pathFault{1, fmt.Sprintf("longer than %d bytes", maxPath)}
	}
	if !p.skip('$') {
		return nil, p.fault(`a path begins with $, as in $.error.code`)
	}
	stars := 0
	for p.at < len(p.text) {
		start := p.at
		s, fault := p.segment()
		if fault != nil {
			return nil, fault
		}
		if s.each {
			stars++
		}
		segments = append(segments, s)
		switch {
		case len(segments) > maxSteps:
			return nil, &pathFault{start + 1, fmt.Sprintf("more than %d steps", maxSteps)}
		case stars > maxStars:
			return nil, &pathFault{start + 1, fmt.Sprintf("more than %d [*]", maxStars)}
		}
	}
	return segments, nil
}

type pathParser struct {
	text string
	at   int
}

func (p *pathParser) fault(text string) *pathFault { return &pathFault{p.at + 1, text} }

func (p *pathParser) skip(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *pathParser) blanks() {
	for p.skip(' ') || p.skip('\t') || p.skip('\n') || p.skip('\r') {
	}
}

func (p *pathParser) segment() (segment, *pathFault) {
	switch {
	case p.skip('.'):
		return p.member()
	case p.skip('['):
		p.blanks()
		s, fault := p.selector()
		if fault != nil {
			return s, fault
		}
		p.blanks()
		if !p.skip(']') {
			return s, p.fault("expected ]; supported are names, indexes and [*]")
		}
		return s, nil
	}
	return segment{}, p.fault(`a step is .name, ['name'], [0] or [*]`)
}

// member parses a name after a point, as RFC 9535 allows it there.
func (p *pathParser) member() (segment, *pathFault) {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] != '.' && p.text[p.at] != '[' {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r >= utf8.RuneSelf && (r != utf8.RuneError || size > 1)
		if !letter && (p.at == start || r < '0' || r > '9') {
			switch {
			case r == '*':
				return segment{}, p.fault(".* is not supported; use [*] for the elements of an array")
			case r == utf8.RuneError:
				return segment{}, p.fault("not UTF-8")
			}
			return segment{}, p.fault(fmt.Sprintf("put a name with %q in brackets and quotes: ['…']", r))
		}
		p.at += size
	}
	if p.at == start {
		return segment{}, p.fault("a name is missing; .. is not supported")
	}
	return segment{name: p.text[start:p.at], index: -1}, nil
}

func (p *pathParser) selector() (segment, *pathFault) {
	switch {
	case p.skip('*'):
		return segment{index: -1, each: true}, nil
	case p.skip('\''):
		return p.quoted('\'')
	case p.skip('"'):
		return p.quoted('"')
	}
	start := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	digits := p.text[start:p.at]
	n, err := strconv.Atoi(digits)
	switch {
	case digits == "":
		return segment{}, p.fault("not supported; use ['name'], [0] or [*]")
	case len(digits) > 1 && digits[0] == '0':
		return segment{}, &pathFault{start + 1, "an index has no leading zero"}
	case err != nil || n > maxIndex:
		return segment{}, &pathFault{start + 1, fmt.Sprintf("an index is at most %d", maxIndex)}
	}
	return segment{index: n}, nil
}

// quoted parses a name in quotes, after the opening quote.
func (p *pathParser) quoted(quote byte) (segment, *pathFault) {
	var name strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == quote:
			p.at++
			return segment{name: name.String(), index: -1}, nil
		case c < ' ':
			return segment{}, p.fault("a control character in a name")
		case c != '\\':
			r, size := utf8.DecodeRuneInString(p.text[p.at:])
			if r == utf8.RuneError && size == 1 {
				return segment{}, p.fault("not UTF-8")
			}
			name.WriteRune(r)
			p.at += size
		default:
			r, ok := p.escape(quote)
			if !ok {
				return segment{}, p.fault("invalid escape in a name")
			}
			name.WriteRune(r)
		}
	}
	return segment{}, p.fault(fmt.Sprintf("the closing %c is missing", quote))
}

// escape parses an escape sequence and returns its character.
func (p *pathParser) escape(quote byte) (rune, bool) {
	if p.at+1 >= len(p.text) {
		return 0, false
	}
	c := p.text[p.at+1]
	if at := strings.IndexByte(`/\bfnrt`, c); at >= 0 {
		p.at += 2
		return rune("/\\\b\f\n\r\t"[at]), true
	}
	if c == quote {
		p.at += 2
		return rune(c), true
	}
	r, size := unescape(p.text[p.at:])
	if size == 0 {
		return 0, false
	}
	p.at += size
	return r, true
}

// unescape parses \uXXXX, or two of them that are a surrogate pair, and returns the
// number of bytes, or 0 if there is none.
func unescape[T string | []byte](text T) (r rune, size int) {
	first, ok := hex4(text)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(first) {
		if second, ok := hex4(text[6:]); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, 12
			}
		}
		return utf8.RuneError, 6
	}
	return first, 6
}

// hex4 parses \uXXXX.
func hex4[T string | []byte](text T) (r rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for i := 2; i < 6; i++ {
		c := text[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
