// Package echo finds what an answer repeats of its request, so that it can be
// blotted out before anybody prints it. Messages like "Wrong signature for <text>"
// are common, and not only with hostile servers.
package echo

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

const (
	// shortest is the length from which a parameter's value is blotted out.
	// Shorter ones tell nobody anything, and stand in messages by chance.
	shortest = 8

	// run is how many letters and digits of a longer text, anywhere in it, count
	// as an echo of it.
	run = 16
)

// secretive are the names of headers that nobody is to see: ours, and those that
// a caller's own gateway may ask for. Others may well come back as a trace id.
var secretive = regexp.MustCompile(`(?i)auth|cookie|key|passw|secret|session|signature|token`)

// Long are those of the texts that are worth blotting out. Messages are UTF-8, and
// what of a text is not, as most of a packed one, stands in none.
func Long(texts []string) (long []string) {
	for _, t := range texts {
		if t = strings.ToValidUTF8(t, ""); len(t) >= shortest {
			long = append(long, t)
		}
	}
	return long
}

// Headers are the values of the headers that nobody is to see, and their parts: user
// and password of the Basic scheme as well, which a server knows decoded.
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

// Values are the values in a query or a form. Either may be hand-made and no form at
// all.
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
