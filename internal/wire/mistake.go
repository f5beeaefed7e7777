package wire

import (
	"cmp"
	"net/http"
	"strings"
)

// Mistake says why net/http will never send a request, without quoting more of it
// than the name of a header; empty if nothing is wrong.
func Mistake(req *http.Request) string {
	switch {
	case req.URL.Scheme == "":
		return notHTTP
	case !isHTTP(req): // a transport may have been registered for it
		return ""
	case req.URL.Host == "":
		return "the URL has no host"
	case strings.ContainsFunc(req.URL.Host, control) || strings.ContainsFunc(req.Host, control):
		return "the host has a control character or a blank"
	case strings.ContainsFunc(req.URL.Opaque, ends) || strings.ContainsFunc(req.URL.RawQuery, ends):
		return "the URL has a control character"
	case req.Method != "" && !token(req.Method):
		return "the method is no word"
	}
	return cmp.Or(mistakeIn("header", req.Header), mistakeIn("trailer", req.Trailer))
}

// The first words of a mistake are those of net/http: what retries around us goes by
// them.
const notHTTP = "unsupported protocol scheme: the URL is not one of http or https"

func isHTTP(req *http.Request) bool { return req.URL.Scheme == "http" || req.URL.Scheme == "https" }

// mistakeIn finds the first mistake in a header or trailer (RFC 9110, section 5.5).
func mistakeIn(where string, h http.Header) string {
	for name, values := range h {
		if !token(name) {
			return "invalid " + where + " field name: it is no word"
		}
		for _, value := range values {
			if strings.ContainsFunc(value, forbidden) {
				return "invalid " + where + " field value: that of " + http.CanonicalHeaderKey(name) + " has a control character, such as the end of a line"
			}
		}
	}
	return ""
}

func control(r rune) bool   { return r <= ' ' || r == 0x7f }
func ends(r rune) bool      { return r < ' ' || r == 0x7f }
func forbidden(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// token reports whether text is a token as HTTP has it.
func token(text string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune(marks, r)
	})
}
