package echo

import (
	"bytes"
	"encoding/hex"
	"html"
	"unicode"
	"unicode/utf8"
)

// A folded text is what remains of one when everything is taken away in which
// spellings of it differ: letters and digits, in lower case. Percent-encoding and
// HTML entities are undone, so a "+" or "&" goes, however written.
type folded struct {
	text  []byte
	spans []span // of each byte of text: where it comes from
}

// A span is a stretch of the text that was folded.
type span struct{ start, end int }

func fold(text string) folded {
	all := make([]span, len(text))
	for i := range all {
		all[i] = span{i, i + 1}
	}
	return letters(folded{}, unescaped(folded{[]byte(text), all}))
}

// foldInto appends the text of fold to out.
func foldInto(out []byte, text string) []byte {
	return letters(folded{text: out}, unescaped(folded{text: []byte(text)})).text
}

// unescaped undoes the encodings of a text, if it has any.
func unescaped(f folded) folded {
	const most = 3 // times that something may have been encoded
	for range most {
		n := len(f.text)
		if f = unescape(f); len(f.text) == n {
			break
		}
	}
	return f
}

// unescape undoes one layer of encoding. It leaves spans out where there are none.
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

// escape returns what stands at the beginning of the text, decoded, and how long
// it is.
func escape(in []byte) (plain []byte, n int) {
	const octet = len("%41")
	const longest = 10 // of an entity that is worth decoding
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

// letters appends to out what of a text is letter or digit.
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

// small is what letters makes of ASCII, 0 if nothing.
var small = func() (is [utf8.RuneSelf]byte) {
	for _, c := range []byte("0123456789abcdefghijklmnopqrstuvwxyz") {
		is[c] = c
		if c >= 'a' {
			is[c-'a'+'A'] = c
		}
	}
	return is
}()
