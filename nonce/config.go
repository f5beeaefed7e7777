package nonce

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxKeyBytes     = 256
	maxInFlight     = 1 << 20 // more is a mistake: no host has as many connections to one API
	defaultMost     = 16
	defaultMaxAhead = 10 * time.Minute
)

// LaneConfig says what a [Lane] is for. Only Key is required.
type LaneConfig struct {
	// Key is the API key's name, never its secret: it appears in errors and logs. At most 256 bytes of UTF-8 without
	// control characters.
	Key string
	// InFlight is how many requests may be on the wire at once; 0 means 1, 1,048,576 is the most. Above 1 the network may deliver them in
	// another order than they were sent in, and the API refuses those that come too late, which costs a resend each.
	InFlight int
	// Adaptive has the lane find the best number in flight by itself: one more, little by little, while nothing is
	// refused, half as many when one request was overtaken by another, and never less than 1. Requests then go out at even
	// distances. InFlight is the most there may be; 0 means 16.
	Adaptive bool
	// Unit is what the nonce counts since 1970: time.Microsecond (0 means that) or time.Millisecond. A key that was
	// ever used with microseconds refuses milliseconds for good. Nanoseconds do not fit: they passed MaxNonce in April 1970.
	Unit time.Duration
	// After is a nonce that is used up: every one of the lane's is higher. 0: the clock alone decides. It is for a key
	// whose last nonce is known and may be ahead of the clock, such as the Last of an earlier lane.
	After uint64
	// MaxAhead is how far ahead of the clock the lane may jump to get above the nonces of somebody else; 0 means 10 min.
	// It is never more than a minute at a time; see ForeignError.
	MaxAhead time.Duration
	// HighWater is the path of a file that outlives the lane and holds a nonce no lower than any it handed out, so that the
	// next lane goes on above, whatever became of the clock. It is written about every ten seconds of use, somewhat more
	// often after a crash, and by Close. After a crash the next lane begins up to ten seconds ahead of the clock, and after
	// any number of them no farther than that and twice the nonces drawn. Enter, Resync and Next end with their context
	// whatever the disk does; NewLane and Close wait ten seconds for it. A pipe or a device is refused.
	// Beside it lie a file of the same name and .lock, which keeps a second lane away, and for moments one with .tmp. Empty:
	// none.
	HighWater string
	// Reserve, if not nil, is asked before a nonce is handed out that is above what it has granted so far, or after until:
	// upTo is that nonce, and it returns up to where the lane may go, which is no less, and until when; the zero time is
	// for good. (A lane that is ahead of the clock has nonces for much longer than the key may be its own.) It is for a key that several processes share,
	// one at a time: who grants remembers that, and lets nobody else begin below it. It is called on a goroutine of its
	// own, by one at a time; turns wait for it no longer than their contexts allow. After an error the turns that needed
	// it end with one that wraps that, and the next turn asks again. A panic and a runtime.Goexit in it are such an error
	// too; the panic is reported to slog.Default(). HighWater is one such memory, and only one of the
	// two can be set. nil: nobody is asked.
	Reserve func(upTo uint64) (granted uint64, until time.Time, err error)
	// OnEvent is told what a person should know of. It is called on the goroutine it happened on, which waits for it, under
	// no lock, perhaps by several at once; its panics are contained. That a disk hangs is told on a goroutine of its own.
	// nil: nobody is told.
	OnEvent func(Event)
}

func (c LaneConfig) unit() time.Duration {
	if c.Unit == 0 {
		return time.Microsecond
	}
	return c.Unit
}

func (c LaneConfig) maxAhead() time.Duration {
	if c.MaxAhead == 0 {
		return defaultMaxAhead
	}
	return c.MaxAhead
}

// check returns everything wrong with c. The text does not repeat a malformed key: it might be a secret gone astray.
func (c LaneConfig) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("nonce: LaneConfig."+format, args...))
	}

	name := c.Key
	if c.Key == "" {
		wrong("Key is required: the name of the API key")
	}
	if len(c.Key) > maxKeyBytes {
		wrong("Key is %d bytes long, more than %d", len(c.Key), maxKeyBytes)
		name = ""
	}
	if !utf8.ValidString(c.Key) || strings.ContainsFunc(c.Key, unicode.IsControl) {
		wrong("Key has control characters or is not UTF-8")
		name = ""
	}
	switch {
	case c.InFlight < 0:
		wrong("InFlight is %d: at least 1 request is on the wire at once, or 0 for that", c.InFlight)
	case c.InFlight > maxInFlight:
		wrong("InFlight is %d: at most %d requests are on the wire at once", c.InFlight, maxInFlight)
	}
	switch c.Unit {
	case 0, time.Microsecond, time.Millisecond:
	case time.Nanosecond:
		wrong("Unit is a nanosecond: nanoseconds since 1970 are above %d, the highest nonce", MaxNonce)
	default:
		wrong("Unit is %v: use time.Microsecond or time.Millisecond", c.Unit)
	}
	if c.Reserve != nil && c.HighWater != "" {
		wrong("Reserve and HighWater both say how far the nonces may go: only one of them can be set")
	}
	if c.MaxAhead < 0 {
		wrong("MaxAhead %v is negative: 0 means %v", c.MaxAhead, defaultMaxAhead)
	}
	if c.After >= MaxNonce {
		errs = append(errs, &ExhaustedError{Key: name, Last: c.After})
	}
	return errors.Join(errs...)
}
