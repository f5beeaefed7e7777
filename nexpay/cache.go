package nexpay

import (
	"maps"
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
// hit or a collapsed request in Cache-Status (RFC 9211). Many caches send neither, but
// a header whose name operators choose. A word that is mistaken for a hit costs
// another lookup; a hit that is missed may cost a payment.
func fromCache(resp *http.Response) string {
	if resp.StatusCode == http.StatusNotModified {
		return "HTTP 304"
	}
	if _, ok := resp.Header["Age"]; ok {
		return "Age"
	}
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		hits := hitsOf(name)
		for _, value := range resp.Header[name] {
			for word := range strings.FieldsFuncSeq(value, notOfWord) {
				if slices.Contains(hits, strings.ToLower(word)) {
					return name
				}
			}
		}
	}
	return ""
}

// hitsOf returns the words that indicate a cache in a header, by its canonical name.
func hitsOf(header string) []string {
	switch name := strings.ToLower(header); {
	case name == "warning":
		return []string{"110", "111", "112", "113"}
	case name == "cache-status":
		return []string{"hit", "collapsed"} // not "stale": fwd=stale was forwarded to the server
	case name == "x-tyk-cached-response":
		return []string{"1"}
	case strings.Contains(name, "cache") && !strings.HasSuffix(name, "-control"):
		return []string{"hit", "refreshhit", "stale", "updating"}
	}
	return nil
}

// notOfWord splits TCP_HIT.
func notOfWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
