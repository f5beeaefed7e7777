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

// Long are those of the texts that are worth blotting out.
func Long(texts []string) (long []string) {
	for _, t := range texts {
		if len(t) >= shortest {
			long = append(long, t)
		}
	}
	return long
}

// Headers are the values of the headers that nobody is to see, and their parts.
func Headers(header http.Header) []string {
	var texts []string
	for name, values := range header {
		if secretive.MatchString(name) {
			whole := strings.Join(values, " ")
			texts = append(append(texts, whole), strings.FieldsFunc(whole, func(r rune) bool { return strings.ContainsRune(" ,;=", r) })...)
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

// between stands between the words of JSON, XML and forms, beside blanks.
const between = "\"{}[],:&=<>\\ \t\r\n"

var breaks = func() (is [256]bool) {
	for _, c := range []byte(between) {
		is[c] = true
	}
	return is
}()

// Words are the words of a body of any kind.
func Words(body string) (words []string) {
	begin := 0
	for i := range len(body) + 1 {
		if i < len(body) && !breaks[body[i]] {
			continue
		}
		if i-begin >= shortest {
			words = append(words, body[begin:i])
		}
		begin = i + 1
	}
	return words
}
