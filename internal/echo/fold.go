package echo

import (
	"bytes"
	"encoding/hex"
	"html"
	"unicode"
	"unicode/utf8"
)

// A folded text keeps only what all spellings of a text have in common: letters and
// digits, in lower case. Percent-encoding and HTML entities are decoded, so that a
// "+" or "&" is removed in any encoding.
type folded struct {
	text  []byte
	spans []span // the origin of each byte of text
}

// A span is a range of the original text.
type span struct{ start, end int }

func fold(text string) folded {
	all := make([]span, len(text))
	for i := range all {
		all[i] = span{i, i + 1}
	}
	return letters(folded{}, unescaped(folded{[]byte(text), all}))
}

// foldInto appends fold(text) to out.
func foldInto(out []byte, text string) []byte {
	return letters(folded{text: out}, unescaped(folded{text: []byte(text)})).text
}

// unescaped decodes a text that is encoded.
func unescaped(f folded) folded {
	const most = 3 // layers of encoding
	for range most {
		n := len(f.text)
		if f = unescape(f); len(f.text) == n {
			break
		}
	}
	return f
}

// unescape decodes one layer of encoding. It omits the spans if in has none.
func unescape(in folded) (out folded) {
	if bytes.IndexByte(in.text, '%') < 0 && bytes.IndexByte(in.text, '&') < 0 {
		return in
	}
	for i := 0; i < len(in.text); {
		plain, n := escape(in.text[i:])
		out.text = append(out.text, plain...)
		if in.spans != nil {
			for range len(plain) {
				out.spans = append(out.spans, span{in.spans[i].start, in.spans[i+n-1].end})
			}
		}
		i += n
	}
	return out
}

// escape decodes the escape sequence at the beginning of the text, and returns its
// length.
func escape(in []byte) (plain []byte, n int) {
	const octet = len("%41")
	const longest = 10 // length in bytes of an entity
	switch in[0] {
	case '%':
		var c [1]byte
		if len(in) < octet {
			break
		}
		if _, err := hex.Decode(c[:], in[1:octet]); err == nil {
			return c[:], octet
		}
	case '&':
		n := bytes.IndexByte(in[:min(len(in), longest)], ';') + 1
		entity := string(in[:n])
		if plain := html.UnescapeString(entity); plain != entity {
			return []byte(plain), n
		}
	}
	return in[:1], 1
}

// letters appends the letters and digits of a text to out.
func letters(out, in folded) folded {
	for i := 0; i < len(in.text); {
		before, n := len(out.text), 1
		if c := in.text[i]; c >= utf8.RuneSelf {
			var r rune
			r, n = utf8.DecodeRune(in.text[i:])
			if r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
				out.text = utf8.AppendRune(out.text, unicode.ToLower(r))
			}
		} else if small[c] != 0 {
			out.text = append(out.text, small[c])
		}
		if in.spans != nil {
			for range len(out.text) - before {
				out.spans = append(out.spans, span{in.spans[i].start, in.spans[i+n-1].end})
			}
		}
		i += n
	}
	return out
}

// small maps an ASCII byte to its folded form, 0 if it is removed.
var small = func() (is [utf8.RuneSelf]byte) {
	for _, c := range []byte("0123456789abcdefghijklmnopqrstuvwxyz") {
		is[c] = c
		if c >= 'a' {
			is[c-'a'+'A'] = c
		}
	}
	return is
}()
