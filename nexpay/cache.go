package nexpay

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// fromCache returns the name of the header that shows that an answer came from a
// cache, or was made for another request. It returns "" if no header does.
//
// The presence of Age alone is enough, with any value: the answer was not made for
// this request (RFC 9111, 5.1). So are the warnings 110 to 113 (RFC 7234, 5.5), and a
// hit or a collapsed request in Cache-Status (RFC 9211). The headers of common caches
// are read as well. A word that is mistaken for a hit costs another lookup; a hit
// that is missed may cost a payment.
func fromCache(resp *http.Response) string {
	if resp.StatusCode == http.StatusNotModified {
		return "HTTP 304"
	}
	if _, ok := resp.Header["Age"]; ok {
		return "Age"
	}
	for _, by := range cacheWords {
		for _, value := range resp.Header[by.header] {
			for word := range strings.FieldsFuncSeq(value, notOfWord) {
				if slices.Contains(by.words, strings.ToLower(word)) {
					return by.header
				}
			}
		}
	}
	return ""
}

var hits = []string{"hit", "refreshhit", "stale", "updating"}

// cacheWords are the words that indicate a cache, by canonical header name.
var cacheWords = []struct {
	header string
	words  []string
}{
	{"Warning", []string{"110", "111", "112", "113"}},
	{"Cache-Status", []string{"hit", "collapsed"}}, // not "stale": fwd=stale was forwarded to the server
	{"X-Cache", hits},
	{"X-Cache-Remote", hits},
	{"X-Cache-Status", hits},
	{"X-Proxy-Cache", hits},
	{"Cf-Cache-Status", hits},
}

// notOfWord splits TCP_HIT.
func notOfWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
