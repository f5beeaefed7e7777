package metrics

import (
	"context"
	"fmt"

	"github.com/nexpay-go/resilience/retry"
)

// The bounds of a MaxSeries, and the default for zero.
const (
	DefaultSeries = 200
	minSeries     = 100
	maxSeries     = 10_000
)

// A Recorder measures what a Retrier reports to its observers. It is safe for concurrent use.
type Recorder struct {
	calls, attempts, resends, delays, inDoubt, lookups *Table
	undecided                                          Measure
}

// NewRecorder returns a Recorder. It calls bind to make a series, at most series times for
// each instrument; zero means DefaultSeries.
func NewRecorder(series int, bind func(*Instrument, []string) Measure) *Recorder {
	names := &vocabulary{operations: Names{Most: Series(series) / 2}, endpoints: Names{Most: Series(series) / 2}}
	table := func(in *Instrument) *Table { return newTable(in, Series(series), names, bind) }
	r := &Recorder{
		calls: table(CallDuration), attempts: table(AttemptDuration), resends: table(Resends), delays: table(ResendDelay),
		inDoubt: table(InDoubt), lookups: table(Lookups), undecided: bind(Undecided, nil),
	}
	r.undecided(context.Background(), 0) // makes the series at the start: a rate does not see the first value of a new series
	return r
}

// Series returns the configured number, or the default for zero.
func Series(configured int) int {
	if configured == 0 {
		return DefaultSeries
	}
	return configured
}

// CheckSeries returns an error if MaxSeries is out of bounds.
func CheckSeries(configured int) error {
	if s := Series(configured); s < minSeries || s > maxSeries {
		return fmt.Errorf("MaxSeries %d is not between %d and %d, nor zero for %d", configured, minSeries, maxSeries, DefaultSeries)
	}
	return nil
}

// OnCall is for retry.Config.OnCall.
func (r *Recorder) OnCall(ctx context.Context, c retry.Call) {
	r.calls.Get(Labels{c.Name, c.Endpoint, outcome(&c), ErrorType(&c)})(ctx, c.Took.Seconds())
	if c.InDoubt {
		r.inDoubt.Get(Labels{Operation: c.Name})(ctx, -1)
	}
	if c.InDoubt || c.Reason == outcomeUnknown {
		r.undecided(ctx, 1)
	}
}

const outcomeUnknown = "outcome_unknown"

// outcome returns how a call ended. A decline is an answer to the caller, not a failure.
func outcome(c *retry.Call) string {
	if c.Declined {
		return "declined"
	}
	return c.Reason
}

// OnAttempt is for retry.Config.OnAttempt.
func (r *Recorder) OnAttempt(ctx context.Context, c retry.Call) {
	r.attempts.Get(Labels{c.Name, c.Endpoint, "", ErrorType(&c)})(ctx, c.Took.Seconds())
}

// OnEvent is for retry.Config.OnEvent.
func (r *Recorder) OnEvent(ctx context.Context, e retry.Event) {
	switch e.Kind {
	case retry.EventResend:
		l := Labels{e.Name, "", e.Verdict.Class.String(), ErrorTypeOf(&e.Verdict)}
		r.resends.Get(l)(ctx, 1)
		r.delays.Get(l)(ctx, e.Wait.Seconds())
	case retry.EventDoubt:
		r.inDoubt.Get(Labels{Operation: e.Name})(ctx, 1)
	case retry.EventSettled:
		r.inDoubt.Get(Labels{Operation: e.Name})(ctx, -1)
	case retry.EventLookup:
		r.lookups.Get(Labels{Operation: e.Name, Word: e.Outcome.String()})(ctx, 1)
	}
}

// Attach adds the observers to cfg, before those that cfg already has, because those may
// end the goroutine.
func (r *Recorder) Attach(cfg *retry.Config, onEvent func(context.Context, retry.Event)) {
	cfg.OnCall = retry.Observers(r.OnCall, cfg.OnCall)
	cfg.OnAttempt = retry.Observers(r.OnAttempt, cfg.OnAttempt)
	cfg.OnEvent = retry.Observers(r.OnEvent, onEvent, cfg.OnEvent)
}
