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
	maxInFlight     = 1 << 20 // more is a mistake: no host has that many connections to one API
	defaultMost     = 16
	defaultMaxAhead = 10 * time.Minute
)

// LaneConfig configures a [Lane]. Only Key is required.
type LaneConfig struct {
	// Key is the name of the API key, never its secret: it appears in errors and logs. It
	// is at most 256 bytes of UTF-8 without control characters.
	Key string
	// InFlight is how many requests may be in flight at once. 0 means 1; the maximum is
	// 1,048,576. Above 1 the network may deliver requests in another order than they were
	// sent in. The API then refuses those that arrive too late, which costs a resend
	// each.
	InFlight int
	// Adaptive makes the lane find the best number of requests in flight. It raises the
	// limit little by little while nothing is refused, and halves it, to no less than 1,
	// when one request was overtaken by another. It spaces requests evenly. InFlight is
	// then the upper bound; 0 means 16.
	Adaptive bool
	// Unit is what the nonce counts since 1970: time.Microsecond (also if 0) or
	// time.Millisecond. A key that was ever used with microseconds refuses milliseconds
	// for good. Nanoseconds are not supported: they passed MaxNonce in April 1970.
	Unit time.Duration
	// After is a used nonce: every nonce of the lane is higher. 0 means that only the
	// clock decides. Set it if the key's last nonce is known and may be ahead of the
	// clock, such as the Last of an earlier lane.
	After uint64
	// MaxAhead is how far ahead of the clock the lane may jump to get above the nonces of
	// another sender. 0 means 10 min. One jump is never longer than a minute; see
	// ForeignError.
	MaxAhead time.Duration
	// HighWater is the path of a file that outlives the lane and holds a nonce no lower
	// than any it handed out. The next lane continues above that nonce, even if the clock
	// was set back. Empty means no file.
	//
	// The file is written about every ten seconds of use, somewhat more often after a
	// crash, and by Close. After a crash the next lane begins up to ten seconds ahead of
	// the clock; after any number of crashes it begins no farther ahead than that plus
	// twice the number of nonces used. Enter, Resync and Next return when their context
	// ends, even if the disk hangs; NewLane and Close wait ten seconds for the disk. A
	// pipe or a device is refused. The lane also creates a file with the suffix .lock,
	// which keeps a second lane away, and briefly one with .tmp.
	HighWater string
	// Reserve, if not nil, is called before the lane hands out a nonce above granted, or
	// any nonce after until. upTo is the nonce needed. Reserve returns the highest nonce
	// that the lane may hand out, at least upTo, and until when it may; the zero time
	// means without end. (A lane that is ahead of the clock has nonces for much longer
	// than it may own the key.)
	//
	// It is for a key that several processes share, one at a time: the granting side
	// remembers granted and lets no other process begin below it. Reserve runs on its own
	// goroutine, one call at a time; turns wait for it no longer than their contexts
	// allow. After an error the turns that needed the grant fail with an error that wraps
	// it, and the next turn calls Reserve again. A panic or runtime.Goexit in it counts
	// as such an error; a panic is also reported to slog.Default(). Reserve and HighWater
	// exclude each other.
	Reserve func(upTo uint64) (granted uint64, until time.Time, err error)
	// OnEvent, if not nil, is called for events that a person should know about. It runs
	// on the goroutine of the caller that met the event, which waits for it, and possibly
	// on several at once. No lock is held, and its panics are contained. A hanging disk
	// is reported on its own goroutine.
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

// check returns everything wrong with c. The text does not repeat a malformed key: it
// might be a misplaced secret.
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
		wrong("InFlight %d is negative", c.InFlight)
	case c.InFlight > maxInFlight:
		wrong("InFlight %d is above %d", c.InFlight, maxInFlight)
	}
	switch c.Unit {
	case 0, time.Microsecond, time.Millisecond:
	case time.Nanosecond:
		wrong("Unit is a nanosecond: nanoseconds since 1970 are above %d, the highest nonce", MaxNonce)
	default:
		wrong("Unit is %v: use time.Microsecond or time.Millisecond", c.Unit)
	}
	if c.Reserve != nil && c.HighWater != "" {
		wrong("Reserve and HighWater exclude each other: set only one of them")
	}
	if c.MaxAhead < 0 {
		wrong("MaxAhead %v is negative: 0 means %v", c.MaxAhead, defaultMaxAhead)
	}
	if c.After >= MaxNonce {
		errs = append(errs, &ExhaustedError{Key: name, Last: c.After})
	}
	return errors.Join(errs...)
}
