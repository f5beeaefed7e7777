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

// A Backoff sets the wait before each retry: Initial before the first, Multiplier times
// the previous wait before each further one, and never more than Max.
//
// It has no state and is safe for concurrent use.
type Backoff struct {
	// Initial is the wait before the first retry. Zero: 200 ms. [None]: no wait before
	// any retry.
	Initial time.Duration
	// Max limits every wait, after jitter. Zero: 5 s, or Initial if that is longer.
	Max time.Duration
	// Multiplier is at least 1. Zero: 2.
	Multiplier float64
	// Jitter spreads the waits of many callers. The zero value is JitterFull.
	Jitter Jitter
}

// Jitter randomises a wait, so that callers that failed together do not retry together. A
// wait is never negative and never longer than [Backoff].Max.
type Jitter uint8

const (
	// JitterFull chooses a wait between zero and the full wait. It spreads callers best
	// and is the default.
	// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)
	JitterFull Jitter = iota
	// JitterEqual chooses a wait between half of the full wait and the full wait.
	JitterEqual
	// JitterNone uses the full wait.
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

// MarshalText returns the same as String, for JSON and logs. There is no UnmarshalText.
func (j Jitter) MarshalText() ([]byte, error) { return []byte(j.String()), nil }

// maxSteps is where Delay stops counting. By then a wait has reached its maximum for any
// useful multiplier, and a call without a limit stays cheap.
const maxSteps = 1000

// Delay returns a random wait before the n-th retry of a call, counted from 1. It is
// between zero and Longest(n); it is zero for an n below 1.
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

// upTo returns a random duration from zero to d. math/rand, unlike its version 2, has one
// global source that a test can seed, so calls can be replayed.
func upTo(d time.Duration) time.Duration {
	return time.Duration(rand.Int63n(int64(min(d, math.MaxInt64-1)) + 1))
}

// Longest returns the longest wait that Delay(n) can return: the wait before jitter. It
// never decreases as n grows, and never exceeds Max.
func (b Backoff) Longest(n int) time.Duration {
	if n < 1 || b.Initial < 0 {
		return 0
	}
	b.fill()
	if n == 1 { // most calls that wait do so once
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
		if d <= longest { // it stopped growing, or lost precision
			return longest
		}
		longest = d
	}
	return longest
}

// fill sets the zero fields of b to their defaults.
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

// start resets a delay source. Each call makes a new one on the stack: a source is not
// safe to share, and stored anywhere it would add its size to every waiting call. It is
// used without its jitter, which in backoff/v4 exceeds the interval by as much as it
// falls below it.
func (b *Backoff) start(s *backoff.ExponentialBackOff) {
	s.InitialInterval, s.MaxInterval, s.Multiplier = b.Initial, b.Max, b.Multiplier
	s.Clock = noClock{}
	s.Reset()
}

// noClock replaces the clock with which the source would give up after a time. The engine
// measures the time itself.
type noClock struct{}

func (noClock) Now() time.Time { return time.Time{} }
