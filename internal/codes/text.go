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
	if len(code) == 0 || len(code) > Most || !utf8.ValidString(code) {
		return false
	}
	blank := true
	for _, r := range code {
		if !unicode.IsPrint(r) {
			return false
		}
		blank = blank && r == ' '
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
