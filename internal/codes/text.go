// Package codes defines what a valid error code is, and how texts show it.
package codes

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Most is the maximum length of a code in bytes.
const Most = 128

// Valid reports whether an answer can have the code: it is printable, and at least one
// character is not a blank.
func Valid(code string) bool {
	var buf [Most]byte
	return len(code) <= Most && ValidBytes(append(buf[:0], code...))
}

// ValidBytes is Valid for bytes.
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

// Text returns the code for display, in quotes if it is more than a word: it comes from a
// server, and must not look like text of this module.
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
