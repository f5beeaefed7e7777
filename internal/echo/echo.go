// Package echo finds what an answer repeats of its request, so that it can be
// redacted before it is printed. Messages such as "Wrong signature for <text>" are
// common, and not only from hostile servers.
package echo

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

const (
	// shortest is the length in bytes from which a parameter's value is redacted.
	// Shorter values reveal little, and occur in messages by chance.
	shortest = 8

	// run is how many consecutive letters and digits of a longer text count as an
	// echo of it.
	run = 16
)

// secretive matches the names of headers with secrets: ours, and those that a gateway
// of the caller may require. Other headers may well be repeated as a trace id.
var secretive = regexp.MustCompile(`(?i)auth|cookie|key|passw|secret|session|signature|token`)

// Long returns the texts that are long enough to be redacted. Messages are UTF-8, so
// the parts of a text that are not, such as most of a compressed one, cannot occur in
// them.
func Long(texts []string) (long []string) {
	for _, t := range texts {
		if t = strings.ToValidUTF8(t, ""); len(t) >= shortest {
			long = append(long, t)
		}
	}
	return long
}

// Headers returns the values of the headers with secrets, and their parts: also user
// and password of the Basic scheme, which a server decodes.
func Headers(header http.Header) []string {
	var texts []string
	for name, values := range header {
		if !secretive.MatchString(name) {
			continue
		}
		whole := strings.Join(values, " ")
		texts = append(append(texts, whole), strings.FieldsFunc(whole, func(r rune) bool { return strings.ContainsRune(" ,;=", r) })...)
		for _, v := range values {
			basic := http.Request{Header: http.Header{"Authorization": {v}}}
			if user, password, ok := basic.BasicAuth(); ok {
				texts = append(texts, user, password)
			}
		}
	}
	return Long(texts)
}

// Values returns the values in a query or a form. Either may be written by hand and
// not be a valid form.
func Values(encoded string) []string {
	var values []string
	for pair := range strings.SplitSeq(encoded, "&") {
		_, raw, named := strings.Cut(pair, "=")
		if !named {
			raw = pair
		}
		value, err := url.QueryUnescape(raw)
		if err != nil {
			value = raw
		}
		values = append(values, value)
	}
	return Long(values)
}
