package classify

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// IdempotencyKey returns the idempotency key in the headers of a request, and for how
// long after its first attempt the API keeps the key. The headers that count are the
// IdempotencyKeys of the catalog's [Shape]. The key is "" if there is no such header, if
// it is blank, or if there are several, because it is unknown which of them the API
// honours.
func (c *Catalog) IdempotencyKey(h http.Header) (key string, keeps time.Duration) {
	s := &c.reads().Shape
	if len(s.IdempotencyKeys) == 0 {
		return "", 0
	}
	found := 0
	for name, values := range h { // the names need not be in canonical form
		if slices.ContainsFunc(s.IdempotencyKeys, func(listed string) bool { return strings.EqualFold(listed, name) }) {
			for _, value := range values {
				key = strings.Trim(value, " \t")
				found++
			}
		}
	}
	if found != 1 || key == "" {
		return "", 0
	}
	return key, s.IdempotentFor
}
