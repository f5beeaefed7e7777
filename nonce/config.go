package nonce

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const maxKeyBytes = 256

// LaneConfig says what a [Lane] is for. Only Key is required.
type LaneConfig struct {
	// Key is the API key's name, never its secret: it appears in errors and logs. At most 256 bytes of UTF-8 without
	// control characters.
	Key string
	// InFlight is how many requests may be on the wire at once; 0 means 1. Above 1 the network may deliver them in
	// another order than they were sent in, and the API refuses those that come too late.
	InFlight int
	// Unit is what the nonce counts since 1970: time.Microsecond (0 means that) or time.Millisecond. A key that was
	// ever used with microseconds refuses milliseconds for good. Nanoseconds do not fit: they passed MaxNonce in April 1970.
	Unit time.Duration
	// After is a nonce that is used up: every one of the lane's is higher. 0: the clock alone decides. It is for a key
	// whose last nonce is known and may be ahead of the clock, such as the Last of an earlier lane.
	After uint64
}

// check returns everything wrong with c. The text does not repeat a malformed key: it might be a secret gone astray.
func (c LaneConfig) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("nonce: LaneConfig."+format, args...))
	}

	name := c.Key
	switch {
	case c.Key == "":
		wrong("Key is required: the name of the API key")
	case len(c.Key) > maxKeyBytes:
		wrong("Key is %d bytes long, more than %d", len(c.Key), maxKeyBytes)
		name = ""
	case !utf8.ValidString(c.Key) || strings.ContainsFunc(c.Key, unicode.IsControl):
		wrong("Key has control characters or is not UTF-8")
		name = ""
	}
	if c.InFlight < 0 {
		wrong("InFlight is %d: at least 1 request is on the wire at once, or 0 for that", c.InFlight)
	}
	switch c.Unit {
	case 0, time.Microsecond, time.Millisecond:
	case time.Nanosecond:
		wrong("Unit is a nanosecond: nanoseconds since 1970 are above %d, the highest nonce", MaxNonce)
	default:
		wrong("Unit is %v: use time.Microsecond or time.Millisecond", c.Unit)
	}
	if c.After >= MaxNonce {
		errs = append(errs, &ExhaustedError{Key: name, Last: c.After})
	}
	return errors.Join(errs...)
}
