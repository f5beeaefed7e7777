package nexpay

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// fromCache names what tells that an answer came out of a cache, or was made for
// another request than ours; empty: nothing does.
//
// Age alone is enough, whatever it says: its presence means that the answer was
// not made for this request (RFC 9111, 5.1). So are the warnings 110 to 113 (RFC
// 7234, 5.5), and a hit or a collapsed request in Cache-Status (RFC 9211). Beyond
// the standards the headers of the common caches are read. A word taken wrongly
// for a hit costs another lookup, a hit that is missed may cost a payment.
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

// cacheWords are the words that give a cache away, by canonical header name.
var cacheWords = []struct {
	header string
	words  []string
}{
	{"Warning", []string{"110", "111", "112", "113"}},
	{"Cache-Status", []string{"hit", "collapsed"}}, // and not "stale": fwd=stale went to the server
	{"X-Cache", hits},
	{"X-Cache-Remote", hits},
	{"X-Cache-Status", hits},
	{"X-Proxy-Cache", hits},
	{"Cf-Cache-Status", hits},
}

// notOfWord takes TCP_HIT apart.
func notOfWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
