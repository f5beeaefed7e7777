package policy

import (
	"math"
	"math/rand"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Defaults of a [Backoff].
const (
	defaultInitial    = 200 * time.Millisecond
	defaultMax        = 5 * time.Second
	defaultMultiplier = 2
)

// A Backoff says how long to wait before each resend: Initial before the first,
// Multiplier times as long before each further one, never longer than Max.
//
// It is a value without state: one Backoff serves any number of calls at once.
type Backoff struct {
	// Initial is the wait before the first resend. Zero: 200 ms. [None]: no
	// wait before any.
	Initial time.Duration
	// Max bounds every wait, after jitter. Zero: 5 s, or Initial if that is longer.
	Max time.Duration
	// Multiplier is at least 1. Zero: 2.
	Multiplier float64
	// Jitter spreads the waits of many callers. The zero value is JitterFull.
	Jitter Jitter
}

// Jitter is how a wait is drawn at random, so that callers who failed together
// do not come back together. Whatever it is, a wait is never negative and never above
// [Backoff].Max.
type Jitter uint8

const (
	// JitterFull draws from zero to the full wait. It spreads a herd best and
	// is the default.
	// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)
	JitterFull Jitter = iota
	// JitterEqual draws from half of the wait to the full wait.
	JitterEqual
	// JitterNone waits exactly that long.
	JitterNone
)

// String returns "full", "equal" or "none".
func (j Jitter) String() string {
	switch j {
	case JitterFull:
		return "full"
	case JitterEqual:
		return "equal"
	case JitterNone:
		return "none"
	}
	return "invalid"
}

// MarshalText is String, for JSON and logs. It cannot be read back.
func (j Jitter) MarshalText() ([]byte, error) { return []byte(j.String()), nil }

// maxSteps is where Delay stops counting: by then a wait stands at its maximum
// for any multiplier that is worth setting, and a call without end stays cheap.
const maxSteps = 1000

// Delay draws the wait before the n-th resend of a call, the first being 1. It
// is always between zero and Longest(n); for an n below 1 it is zero.
func (b Backoff) Delay(n int) time.Duration {
	longest := b.Longest(n)
	switch b.Jitter {
	case JitterFull:
		return upTo(longest)
	case JitterEqual:
		return longest - upTo(longest/2)
	}
	return longest
}

// upTo draws from zero to d. The first version of math/rand has one source for all
// that a test can set: calls can be replayed.
func upTo(d time.Duration) time.Duration {
	return time.Duration(rand.Int63n(int64(min(d, math.MaxInt64-1)) + 1))
}

// Longest returns the longest that Delay(n) can be: the wait before jitter. It
// never falls as n grows, and is never above Max.
func (b Backoff) Longest(n int) time.Duration {
	if n < 1 || b.Initial < 0 {
		return 0
	}
	b.fill()
	if n == 1 { // most calls that wait do it once
		return min(b.Initial, b.Max)
	}
	var source backoff.ExponentialBackOff
	b.start(&source)
	var longest time.Duration
	for range min(n, maxSteps) {
		d := source.NextBackOff()
		if d >= b.Max {
			return b.Max
		}
		if d <= longest { // it grows no more, or floating point loses some of it
			return longest
		}
		longest = d
	}
	return longest
}

// fill puts the defaults where b has zeroes.
func (b *Backoff) fill() {
	if b.Initial == 0 {
		b.Initial = defaultInitial
	}
	if b.Max == 0 {
		b.Max = max(defaultMax, b.Initial)
	}
	if b.Multiplier == 0 {
		b.Multiplier = defaultMultiplier
	}
}

// start puts a delay source at its start. A fresh one per draw, on the stack:
// it is not safe to share, and kept anywhere it would cost every waiting call
// its size. The jitter is not left to it: that of backoff/v4 goes above the
// interval by as much as below it.
func (b *Backoff) start(s *backoff.ExponentialBackOff) {
	s.InitialInterval, s.MaxInterval, s.Multiplier = b.Initial, b.Max, b.Multiplier
	s.Clock = noClock{}
	s.Reset()
}

// noClock stands in for the clock that the source reads to give up after a
// time. It never gives up: the engine counts the time itself.
type noClock struct{}

func (noClock) Now() time.Time { return time.Time{} }
