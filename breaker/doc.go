// Package breaker decides when to stop calling a server, and when an API key must not be
// used.
//
// A [Breaker] counts the outcomes of calls. Closed, it lets every call through and counts
// them. After too many failures it opens: it refuses every call at once with an
// [*OpenError] that says when to come back. When the open time is over it is half-open:
// it lets a few probes through. Their success closes the breaker; one failure opens it
// again, for longer.
//
// A caller takes a [Lease] for one call and reports the outcome with [Lease.Done]:
//
//	lease, err := b.Acquire()
//	if err != nil {
//		return err
//	}
//	defer lease.Done(breaker.Ignored) // unless something else was reported first
//	…
//	lease.Done(breaker.Success)
//
// Report a failure with [Lease.DoneWith] where you can: it takes a [Cause], which
// describes the answer. If that failure opens the breaker, the errors of the refused
// calls name the answer, and the breaker stays open for as long as the server asked for,
// up to an hour.
//
// A lease that is never reported blocks nothing: a probe fails after Config.ProbeTimeout,
// and any other lease is not counted. A report counts only in the state that granted the
// lease. It is ignored if the breaker has changed its state since, or was isolated or
// reset.
//
// The package starts no timers, and no goroutines but that of [Breaker.Stats]. The next Acquire, Check, State, Stats, Isolate
// or Reset, or the next report of a probe, notices that an open time or a probe has run
// out. The open time after a probe that never reported starts when the probe ran out, not
// when that was noticed.
//
// If parts of an API fail independently, use a [Group]: it keeps one breaker for each,
// and bounds their number. To see what a breaker would do before you enforce it, set
// Config.ReportOnly. An operator can override a breaker with [Breaker.Isolate] and
// [Breaker.Reset].
//
// A [Lockout] refuses every call with an API key that cannot work until a person has
// acted. Its cost does not depend on how many keys are locked.
//
// The state machine and the slots for probes come from github.com/sony/gobreaker/v2. This
// package adds counting, open times, leases and hooks, because gobreaker's rolling window
// forgets failures that lie far apart, its open time is fixed, its probes may hang
// forever, and its hooks run under its lock.
package breaker
