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
func Line(s string) string {
	if fine(s) {
		return s
	}
	if len(s) > 4*Most {
		s = s[:4*Most] // so that a huge one is not copied to be cut
	}
	s = strings.Map(func(r rune) rune {
		if printable(r) {
			return r
		}
		return -1
	}, s)
	if len(s) > Most {
		s = strings.ToValidUTF8(s[:Most], "")
	}
	return s
}

func fine(s string) bool {
	if len(s) > Most {
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
