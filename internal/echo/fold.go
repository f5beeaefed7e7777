package echo

import (
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A folded text is what remains of one when everything is taken away in which
// spellings of it differ: letters and digits, in lower case. Percent-encoding and
// HTML entities are undone, so a "+" or "&" goes, however written.
type folded struct {
	text  string
	spans []span // of each byte of text: where it comes from
}

// A span is a stretch of the text that was folded.
type span struct{ start, end int }

func fold(text string) folded {
	bytes, spans := []byte(text), make([]span, len(text))
	for i := range spans {
		spans[i] = span{i, i + 1}
	}
	const most = 3 // times that something may have been encoded
	for again := most; again > 0; again-- {
		n := len(bytes)
		bytes, spans = unescape(bytes, spans)
		if len(bytes) == n {
			break
		}
	}
	return letters(bytes, spans)
}

// unescape undoes one layer of encoding.
func unescape(in []byte, from []span) (out []byte, spans []span) {
	for i := 0; i < len(in); {
		plain, n := escape(in[i:])
		whole := span{from[i].start, from[i+n-1].end}
		for _, c := range []byte(plain) {
			out, spans = append(out, c), append(spans, whole)
		}
		i += n
	}
	return out, spans
}

// escape returns what stands at the beginning of the text, decoded, and how long
// it is.
func escape(in []byte) (plain string, n int) {
	const longest = 10 // of an entity that is worth decoding
	head := string(in[:min(len(in), longest)])
	if head[0] == '%' && len(head) >= len("%41") {
		if plain, err := url.PathUnescape(head[:len("%41")]); err == nil {
			return plain, len("%41")
		}
	}
	if end := strings.IndexByte(head, ';') + 1; head[0] == '&' && end > 0 {
		if plain := html.UnescapeString(head[:end]); plain != head[:end] {
			return plain, end
		}
	}
	return head[:1], 1
}

// letters drops what is neither letter nor digit.
func letters(in []byte, from []span) folded {
	var f folded
	var text strings.Builder
	for i := 0; i < len(in); {
		r, n := utf8.DecodeRune(in[i:])
		if r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			size, _ := text.WriteRune(unicode.ToLower(r))
			for range size {
				f.spans = append(f.spans, span{from[i].start, from[i+n-1].end})
			}
		}
		i += n
	}
	f.text = text.String()
	return f
}
