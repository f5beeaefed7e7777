// Package wallclock is the wall clock that nonces come from, which a test of whole processes has
// one of them read wrong.
package wallclock

import "time"

// Wrong, if not nil, is read instead of time.Now. It is set before the first lane is made.
var Wrong func() time.Time

// Now returns what this process takes for the time.
func Now() time.Time {
	if Wrong != nil {
		return Wrong()
	}
	return time.Now()
}
