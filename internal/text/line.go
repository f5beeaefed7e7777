// Package text makes texts from outside safe to print in one line.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Most is the largest number of bytes that Line returns.
const Most = 256

// Line returns s without unprintable characters (control characters, line ends,
// bidirectional marks, invalid UTF-8), cut at Most bytes. A text that needs no change
// is returned as it is, without an allocation.
func Line(s string) string { return Cut(s, Most) }

// Cut is Line with another limit, in bytes.
func Cut(s string, most int) string {
	if fine(s, most) {
		return s
	}
	if len(s) > most { // a copy, so that what is returned does not keep a huge text
		s = strings.Clone(s[:min(len(s), 4*most)])
	}
	s = strings.Map(func(r rune) rune {
		if printable(r) {
			return r
		}
		return -1
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

func fine(s string, most int) bool {
	if len(s) > most {
		return false
	}
	for _, r := range s {
		if !printable(r) {
			return false
		}
	}
	return true
}

// printable excludes the replacement character, which stands for invalid UTF-8 here.
func printable(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }
