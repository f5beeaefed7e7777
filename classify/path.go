package classify

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of a path.
const (
	maxPath  = 256  // bytes
	maxSteps = 16   // names, indexes and [*]
	maxStars = 3    // of those, [*]
	maxIndex = 9999 // of an element
)

// A segment is one step of a path: to a member of an object, an element of an array,
// or to each.
type segment struct {
	name  string
	index int // −1: a name or each
	each  bool
}

// A pathFault is what is wrong with a path, and where: from 1, in bytes.
type pathFault struct {
	column int
	text   string
}

// parsePath reads a path of RFC 9535 (JSONPath), of which names, indexes and [*] are
// understood.
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
			return s, p.fault("] is missing, or something that is not understood: there are names, indexes and [*]")
		}
		return s, nil
	}
	return segment{}, p.fault(`a step is .name, ['name'], [0] or [*]`)
}

// member is a name behind a point, as RFC 9535 allows it there.
func (p *pathParser) member() (segment, *pathFault) {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] != '.' && p.text[p.at] != '[' {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r >= utf8.RuneSelf && (r != utf8.RuneError || size > 1)
		if !letter && (p.at == start || r < '0' || r > '9') {
			switch {
			case r == '*':
				return segment{}, p.fault(".* is not understood; [*] stands for the elements of an array")
			case r == utf8.RuneError:
				return segment{}, p.fault("not UTF-8")
			}
			return segment{}, p.fault(fmt.Sprintf("a name with %q stands in brackets and quotes: ['…']", r))
		}
		p.at += size
	}
	if p.at == start {
		return segment{}, p.fault("a name is missing; .. is not understood")
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
		return segment{}, p.fault("not understood: there are ['name'], [0] and [*]")
	case len(digits) > 1 && digits[0] == '0':
		return segment{}, &pathFault{start + 1, "an index has no leading zero"}
	case err != nil || n > maxIndex:
		return segment{}, &pathFault{start + 1, fmt.Sprintf("an index is at most %d", maxIndex)}
	}
	return segment{index: n}, nil
}

// quoted is a name in quotes, of which the first is taken.
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
				return segment{}, p.fault("no such escape in a name")
			}
			name.WriteRune(r)
		}
	}
	return segment{}, p.fault(fmt.Sprintf("the closing %c is missing", quote))
}

// escape takes an escape sequence and returns what it stands for.
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

// unescape reads \uXXXX, or two of them that are a surrogate pair, and returns how
// many bytes that took: 0 if it is none.
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

// hex4 reads \uXXXX.
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
