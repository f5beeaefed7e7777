package breaker

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// What a zero field of Config stands for. docs/storms.md measures what they do.
const (
	defaultConsecutiveFailures = 6
	defaultFailureRatio        = 0.5
	defaultMinCalls            = 20
	defaultWindow              = 30 * time.Second
	defaultOpenFor             = 3 * time.Second
	defaultMaxOpenFor          = 6 * time.Second
	defaultProbes              = 1
	defaultProbeTimeout        = 10 * time.Second
)

// What a field of Config may be at most: beyond it a slip of the pen is likelier than a wish.
const (
	minDuration = time.Millisecond
	maxDuration = 24 * time.Hour
	maxWindow   = time.Hour
	maxCalls    = 100_000 // far less than one bucket of the window can count
	maxProbes   = 1000
)

// Config says when a Breaker opens and how it closes again. The zero Config is ready to use: every zero field means the
// default named beside it.
type Config struct {
	// Name stands in errors and state changes, for people. It may be empty.
	Name string

	// ConsecutiveFailures in a row open the breaker, however far apart they are: Window does not apply to them.
	// Zero means 6, a negative number switches this trigger off; at most 100,000. Where one call in five fails at
	// random, six in a row come once in some twenty thousand calls, five once in four thousand (0.2ⁿ × 0.8).
	ConsecutiveFailures int

	// FailureRatio is the share of failed calls, above 0 and up to 1, from which the breaker opens; it is looked at
	// whenever a call has failed. Zero means 0.5, a negative number switches this trigger off. With both triggers off
	// only the outcome Trip opens the breaker.
	FailureRatio float64

	// MinCalls is how many calls Window must hold before FailureRatio applies. Zero means 20; at most 100,000.
	MinCalls int

	// Window is how far back FailureRatio looks. It moves in steps of a thirtieth of its length, so that a call counts
	// for between 29 and 30 thirtieths of it. Zero means 30 s; from 1 ms to 1 h.
	Window time.Duration

	// OpenFor is how long the breaker stays open at most before it lets the first probe through. The time is drawn anew
	// each time between two thirds of it and all of it, so that many processes do not come back at once. It doubles
	// whenever a probe fails, up to MaxOpenFor, and what that probe took counts towards it, for half of it at most: a
	// server that answers late is looked at as often as one that fails at once. Closing takes it back to OpenFor. If
	// the answer that opened it asks for longer (Cause.RetryAfter), it stays open that long from then on, but at most an
	// hour. Zero means 3 s; from 1 ms to 24 h.
	OpenFor time.Duration

	// MaxOpenFor bounds the open time, but not what a server asks for. Zero means 6 s, or twice OpenFor if that is more;
	// not below OpenFor, at most 24 h.
	MaxOpenFor time.Duration

	// Probes is how many calls are let through half-open, and how many of them must succeed to close the breaker.
	// One that fails opens it again. Zero means 1; at most 1000.
	Probes int

	// ProbeTimeout is how long a probe may take: one that has not reported when it ends has failed, and what it
	// reports later is ignored. Zero means 10 s; from 1 ms to 24 h.
	ProbeTimeout time.Duration

	// SlowCall is how long a call may take: one that took as long, from Acquire to Done, and would have been a Success is
	// a Failure. It is for servers that answer late rather than not at all. Zero means that nobody looks; from 1 ms to 24 h.
	// (A retry.Retrier takes its lease when it has its turn on the key, so that the queue for it does not count; a resync
	// and the send after it are one call.)
	SlowCall time.Duration

	// ReportOnly refuses no call: the breaker counts, changes its state and tells OnStateChange as it would, but where it
	// would have refused, Check returns nil and Acquire a lease whose report counts for nothing. It is for introducing a
	// breaker: StateChange.Refused says how many calls it would have refused. Isolate is a person's word and refuses all
	// the same.
	ReportOnly bool

	// OnStateChange, if not nil, hears of every change in the order they happened, one
	// at a time, from the goroutine whose call found or made the change, or from one
	// that was just delivering another, or from one of its own where
	// [Breaker.Stats] found it. No lock is held: it may call any method of the
	// Breaker, and what that changes is delivered after it returns. A panic in it is
	// reported to slog.Default() by its type and harms nobody. It should be quick: that
	// caller waits for it, and if it is a retry.Retrier it holds its turn on the API key
	// meanwhile. Of more than 16,384 changes that wait for it the oldest are dropped,
	// which is reported to slog.Default(). To call the API from a hook, start a
	// goroutine.
	OnStateChange func(StateChange)
}

// resolve puts the defaults into a copy of c, or lists everything that is wrong with it.
func (c Config) resolve() (Config, error) {
	orDefault(&c.ConsecutiveFailures, defaultConsecutiveFailures)
	orDefault(&c.FailureRatio, defaultFailureRatio)
	orDefault(&c.MinCalls, defaultMinCalls)
	orDefault(&c.Window, defaultWindow)
	orDefault(&c.OpenFor, defaultOpenFor)
	orDefault(&c.MaxOpenFor, max(defaultMaxOpenFor, min(2*min(c.OpenFor, maxDuration), maxDuration)))
	orDefault(&c.Probes, defaultProbes)
	orDefault(&c.ProbeTimeout, defaultProbeTimeout)
	return c, c.check()
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// check lists everything that is wrong with a Config whose defaults are filled in.
func (c Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("breaker: "+format, args...)) }
	if c.ConsecutiveFailures > maxCalls {
		wrong("ConsecutiveFailures %d is above %d", c.ConsecutiveFailures, maxCalls)
	}
	if !(c.FailureRatio <= 1) { // not a number, too
		wrong("FailureRatio %v is not at most 1", c.FailureRatio)
	}
	if c.MinCalls < 1 || c.MinCalls > maxCalls {
		wrong("MinCalls %d is not between 1 and %d", c.MinCalls, maxCalls)
	}
	if c.Probes < 1 || c.Probes > maxProbes {
		wrong("Probes %d is not between 1 and %d", c.Probes, maxProbes)
	}
	for _, f := range []struct {
		name       string
		value, max time.Duration
	}{
		{"Window", c.Window, maxWindow}, {"OpenFor", c.OpenFor, maxDuration},
		{"MaxOpenFor", c.MaxOpenFor, maxDuration}, {"ProbeTimeout", c.ProbeTimeout, maxDuration},
		{"SlowCall", cmp.Or(c.SlowCall, minDuration), maxDuration},
	} {
		if f.value < minDuration || f.value > f.max {
			wrong("%s %v is not between %v and %v", f.name, f.value, minDuration, f.max)
		}
	}
	if c.MaxOpenFor < c.OpenFor {
		wrong("MaxOpenFor %v is below OpenFor %v", c.MaxOpenFor, c.OpenFor)
	}
	return errors.Join(errs...)
}
