package wire

import (
	"cmp"
	"net/http"
	"strings"
)

// Mistake returns why net/http will never send a request, and "" if nothing is wrong.
// It quotes nothing of the request except the name of a header.
func Mistake(req *http.Request) string {
	switch {
	case req.URL.Scheme == "":
		return notHTTP
	case !isHTTP(req): // a transport may have been registered for it
		return ""
	case req.URL.Host == "":
		return "the URL has no host"
	case strings.ContainsFunc(req.URL.Host, control) || strings.ContainsFunc(req.Host, control):
		return "the host has a control character or a space"
	case strings.ContainsFunc(req.URL.Opaque, ends) || strings.ContainsFunc(req.URL.RawQuery, ends):
		return "the URL has a control character"
	case req.Method != "" && !token(req.Method):
		return "the method is not an HTTP token"
	}
	return cmp.Or(mistakeIn("header", req.Header), mistakeIn("trailer", req.Trailer))
}

// The text of a mistake begins like that of net/http, because retrying clients around
// us compare these texts.
const notHTTP = "unsupported protocol scheme: the URL is not an http or https URL"

func isHTTP(req *http.Request) bool { return req.URL.Scheme == "http" || req.URL.Scheme == "https" }

// mistakeIn finds the first mistake in a header or trailer (RFC 9110, section 5.5).
func mistakeIn(where string, h http.Header) string {
	for name, values := range h {
		if !token(name) {
			return "invalid " + where + " field name: it is not an HTTP token"
		}
		for _, value := range values {
			if strings.ContainsFunc(value, forbidden) {
				return "invalid " + where + " field value: " + http.CanonicalHeaderKey(name) + " has a control character, such as a line end"
			}
		}
	}
	return ""
}

func control(r rune) bool   { return r <= ' ' || r == 0x7f }
func ends(r rune) bool      { return r < ' ' || r == 0x7f }
func forbidden(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// token reports whether text is an HTTP token.
func token(text string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune(marks, r)
	})
}
