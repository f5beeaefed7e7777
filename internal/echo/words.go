package echo

import (
	"encoding/json"
	"strings"
	"unicode"
)

// between are the separators of words in JSON, XML and forms, besides white space.
const between = "\"{}[],:&=<>\\ \t\r\n"

var breaks = func() (is [256]bool) {
	for _, c := range []byte(between) {
		is[c] = true
	}
	return is
}()

// Words returns the words of a body of any kind, and each quoted string as a whole:
// an IBAN in groups, a password with an escape sequence. The names in JSON and forms
// are not included: otherwise nobody could read which field is wrong.
func Words(body string) (words []string) {
	start := strings.TrimLeft(body, " \t\r\n")
	named := strings.HasPrefix(start, "{") || strings.HasPrefix(start, "[")
	for {
		before, rest, quoted := strings.Cut(body, `"`)
		words = split(words, before)
		if !quoted {
			return Long(words)
		}
		end := closing(rest)
		text := rest[:end]
		body = rest[min(end+1, len(rest)):]
		if named && strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), ":") && isName(text) {
			continue
		}
		words = spellings(words, text)
	}
}

// closing returns where a quoted text ends, at the latest at the end of the body.
func closing(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return len(text)
}

// isName distinguishes the name of a field from an account number or a key in its
// place.
func isName(text string) bool {
	const most = 3 // digits, as in addressLine1
	digits := 0
	for _, r := range text {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits <= most
}

// isField distinguishes a name in a form from a text that ends like one, such as
// base64.
func isField(text string, begin, end int) bool {
	return (begin == 0 || text[begin-1] == '&') && end+1 < len(text) && text[end] == '=' && text[end+1] != '=' && isName(text[begin:end])
}

// spellings appends a quoted text and its words, also decoded.
func spellings(words []string, text string) []string {
	if strings.ContainsAny(text, between) {
		words = append(words, text)
	}
	words = split(words, text)
	if strings.IndexByte(text, '\\') < 0 {
		return words
	}
	var plain string
	if json.Unmarshal([]byte(`"`+text+`"`), &plain) != nil {
		return words
	}
	return split(append(words, plain), plain)
}

// split appends the words of a text.
func split(words []string, text string) []string {
	begin := 0
	for i := range len(text) + 1 {
		if i < len(text) && !breaks[text[i]] {
			continue
		}
		if i-begin >= shortest && !isField(text, begin, i) {
			words = append(words, text[begin:i])
		}
		begin = i + 1
	}
	return words
}
