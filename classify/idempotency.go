package classify

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// IdempotencyKey returns the key in the headers of a request that makes it safe to
// send again, and for how long after its first send: one of the IdempotencyKeys of the
// catalog's [Shape], there once and not blank. Otherwise the key is "": of several
// nobody knows which one the API heeds.
func (c *Catalog) IdempotencyKey(h http.Header) (key string, keeps time.Duration) {
	s := &c.shape.Shape
	if len(s.IdempotencyKeys) == 0 {
		return "", 0
	}
	found := 0
	for name, values := range h { // whose names need not be in the canonical form
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
