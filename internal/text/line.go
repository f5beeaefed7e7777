// Package text makes texts from outside fit to stand in a line of ours.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Most is how many bytes Line keeps.
const Most = 256

// Line returns s without what is not printable (control characters, line ends,
// bidirectional marks, invalid UTF-8), cut at Most bytes. A text that is fine
// already is returned as it is, at no cost worth speaking of.
func Line(s string) string { return Cut(s, Most) }

// Cut is Line for another number of bytes to keep.
func Cut(s string, most int) string {
	if fine(s, most) {
		return s
	}
	if len(s) > 4*most {
		s = s[:4*most] // so that a huge one is not copied to be cut
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

// printable leaves out the replacement character, which stands for invalid
// UTF-8 here.
func printable(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }
