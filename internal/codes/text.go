// Package codes says what an error code may be, and how it stands in a line of ours.
package codes

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Most is how many bytes a code has at most.
const Most = 128

// Valid reports whether an answer can have the code: printable characters, of which
// one at least is no blank.
func Valid(code string) bool {
	var buf [Most]byte
	return len(code) <= Most && ValidBytes(append(buf[:0], code...))
}

// ValidBytes is Valid for a code that is not a string yet.
func ValidBytes(code []byte) bool {
	if len(code) == 0 || len(code) > Most {
		return false
	}
	blank := true
	for i := 0; i < len(code); {
		r, size := rune(code[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(code[i:])
		}
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			return false
		}
		blank = blank && r == ' '
		i += size
	}
	return !blank
}

// Text is the code for people, in quotes if it is more than a word: as it comes from a
// server, it must not read like what this module has to say.
func Text(code string) string {
	if len(code) > Most {
		code = strings.ToValidUTF8(code[:Most], "")
	}
	for _, r := range code {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune("-_./:+*#", r) {
			return strconv.QuoteToGraphic(code)
		}
	}
	return code
}
