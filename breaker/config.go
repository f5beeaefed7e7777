package breaker

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// The defaults of Config. docs/storms.md measures what they do.
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

// The limits of Config. A value beyond them is more likely a typo than intended.
const (
	minDuration = time.Millisecond
	maxDuration = 24 * time.Hour
	maxWindow   = time.Hour
	maxCalls    = 100_000 // far less than one bucket of the window can count
	maxProbes   = 1000
)

// Config sets when a Breaker opens and how it closes again. The zero Config is ready to
// use: a zero field means the default given in its comment.
type Config struct {
	// Name appears in errors and state changes. It may be empty.
	Name string

	// ConsecutiveFailures is how many failures in a row open the breaker. Window does not
	// apply: they may be any time apart. Zero means 6; a negative number disables this
	// trigger; the maximum is 100,000. If one call in five fails at random, six failures
	// in a row happen once in some twenty thousand calls, five once in four thousand
	// (0.2ⁿ × 0.8).
	ConsecutiveFailures int

	// FailureRatio is the share of failed calls, above 0 and at most 1, at which the
	// breaker opens. It is checked after each failed call. Zero means 0.5; a negative
	// number disables this trigger. With both triggers disabled only the outcome Trip
	// opens the breaker.
	FailureRatio float64

	// MinCalls is how many calls Window must hold before FailureRatio applies. Zero means
	// 20; the maximum is 100,000.
	MinCalls int

	// Window is how far back FailureRatio looks. It moves in steps of a thirtieth of its
	// length, so a call counts for between 29 and 30 thirtieths of it. Zero means 30 s;
	// it must be between 1 ms and 1 h.
	Window time.Duration

	// OpenFor is the longest time that the breaker stays open before it lets the first
	// probe through. The actual time is random, between two thirds of OpenFor and all of
	// it, so that many processes do not come back at once. The time doubles after each
	// failed probe, up to MaxOpenFor, and returns to OpenFor when the breaker closes. The
	// duration of a failed probe is subtracted from the open time that follows, by at
	// most half of that time, so that a server that answers late is probed as often as
	// one that fails at once. If the answer that opened the breaker asks for a longer
	// wait (Cause.RetryAfter), the breaker stays open that long from then on, up to an
	// hour. Zero means 3 s; it must be between 1 ms and 24 h.
	OpenFor time.Duration

	// MaxOpenFor bounds the open time, except for a wait that the server asks for. Zero
	// means 6 s, or twice OpenFor if that is more; it must be between OpenFor and 24 h.
	MaxOpenFor time.Duration

	// Probes is how many calls a half-open breaker lets through. All of them must succeed
	// to close the breaker; one that fails opens it again. Zero means 1; the maximum is
	// 1000.
	Probes int

	// ProbeTimeout is how long a probe may take. A probe that has not reported by then
	// has failed, and its later report is ignored. Zero means 10 s; it must be between 1
	// ms and 24 h.
	ProbeTimeout time.Duration

	// SlowCall is the duration at which a successful call counts as a Failure. It is
	// measured from Acquire to Done. It is for servers that answer late rather than not
	// at all. Zero disables it; otherwise it must be between 1 ms and 24 h. (A
	// retry.Retrier takes its lease once it has its turn on the key, so the wait for the
	// turn does not count. A resync and the send after it are one call.)
	SlowCall time.Duration

	// ReportOnly makes the breaker refuse no call. It counts, changes its state and calls
	// OnStateChange as usual, but where it would refuse, Check returns nil and Acquire
	// returns a lease whose report counts for nothing. Use it to introduce a breaker:
	// StateChange.Refused is how many calls it would have refused. An isolated breaker
	// refuses calls even so, because an operator asked for that.
	ReportOnly bool

	// OnStateChange, if not nil, is called for every change, in the order they happened
	// and one at a time. It runs on the goroutine whose call found or made the change, or
	// on one that is just delivering another change, or, where [Breaker.Stats] found it,
	// on one of its own. No lock is held: it may call any
	// method of the Breaker, and changes made that way are delivered after it returns. A
	// panic in it is contained, and its type is reported to slog.Default(). It should be
	// quick: its caller waits for it, and a retry.Retrier holds its turn on the API key
	// meanwhile. If more than 16,384 changes wait for it, the oldest are dropped, which
	// is reported to slog.Default(). To call the API from a hook, start a goroutine.
	OnStateChange func(StateChange)
}

// resolve returns a copy of c with the defaults filled in, and an error that lists
// everything that is wrong with it.
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
	if !(c.FailureRatio <= 1) { // NaN too
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
