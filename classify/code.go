package classify

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/nexpay-go/resilience/internal/codes"
)

// A Code is an API's name for an error: "card_declined", "EAPI:Invalid nonce", "-32603".
// It is never the HTTP status. The empty Code means that there is no code.
//
// A number and the same number as text are one code: the answers {"code":50},
// {"code":50.0}, {"code":5e1} and {"code":"50"} all have the code "50". An integer of at
// most 40 digits is written in plain digits. Any other number is kept as written. Other
// text is never read as a number: "050", "+50" and "5e1" in quotes are words. A word is
// case-sensitive. It has at most 128 bytes, all of them printable and at least one of
// them not a blank. Any other text is not a code.
type Code string

const (
	maxWord   = codes.Most // bytes of a code
	maxDigits = 40         // of an integer that is written in plain digits
)

// Valid reports whether an answer can have the code.
func (c Code) Valid() bool { return codes.Valid(string(c)) }

// Text returns the code for display, in quotes if it is more than one word.
func (c Code) Text() string { return codes.Text(string(c)) }

// wordCode returns a string as a code, or "" if it is not one.
func wordCode(word string) Code {
	if c := Code(word); c.Valid() {
		return c
	}
	return ""
}

// quotedCode returns a JSON string as a code, or "" if it is not one. A string that is
// not a code costs no allocation.
func quotedCode(text []byte) Code {
	inner := text[1 : len(text)-1]
	var buf [maxWord + utf8.UTFMax]byte
	if bytes.IndexByte(inner, '\\') >= 0 {
		word := buf[:0]
		for i := 0; i < len(inner) && len(word) <= maxWord; {
			if inner[i] != '\\' {
				word = append(word, inner[i])
				i++
				continue
			}
			r, size := escaped(inner[i:])
			word = utf8.AppendRune(word, r)
			i += size
		}
		inner = word
	}
	if !codes.ValidBytes(inner) {
		return ""
	}
	return Code(inner)
}

// numberCode returns a JSON number as a code.
func numberCode(text []byte) Code {
	var plain [maxDigits + 1]byte
	if digits, ok := integer(plain[:0], text); ok {
		return Code(digits)
	}
	if len(text) > maxWord {
		return ""
	}
	return Code(text)
}

// integer appends the plain digits of a JSON number if it is an integer of at most 40
// digits.
func integer(plain, text []byte) (digits []byte, ok bool) {
	if n := len(text); n <= 18 && text[0] != '-' && text[0] != '0' && allDigits(text) { // the usual case
		return append(plain, text...), true
	}
	negative := text[0] == '-'
	text = bytes.TrimPrefix(text, []byte("-"))
	exponent := 0
	if at := bytes.IndexAny(text, "eE"); at >= 0 {
		e, err := strconv.Atoi(string(text[at+1 : min(len(text), at+8)]))
		if err != nil || len(text) > at+8 { // exponents of more digits are not normalised
			return nil, false
		}
		exponent, text = e, text[:at]
	}
	whole, fraction, _ := bytes.Cut(text, []byte("."))
	fraction = bytes.TrimRight(fraction, "0")
	whole = bytes.TrimLeft(whole, "0")
	if len(whole)+len(fraction) > 2*maxWord {
		return nil, false
	}
	mantissa := bytes.TrimLeft(append(append(make([]byte, 0, 2*maxWord), whole...), fraction...), "0")
	if len(mantissa) == 0 {
		return append(plain, '0'), true
	}
	zeros := exponent - len(fraction)
	for zeros < 0 && mantissa[len(mantissa)-1] == '0' {
		mantissa, zeros = mantissa[:len(mantissa)-1], zeros+1
	}
	if zeros < 0 || len(mantissa)+zeros > maxDigits {
		return nil, false
	}
	if negative {
		plain = append(plain, '-')
	}
	plain = append(plain, mantissa...)
	for range zeros {
		plain = append(plain, '0')
	}
	return plain, true
}

func allDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
