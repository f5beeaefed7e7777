// Package breaker says when to leave a server alone, and when nobody may use an API key.
//
// A [Breaker] watches what becomes of calls. Closed, it lets every call through and counts; after too many failures it
// opens and refuses calls at once, with an [*OpenError] that says when to come back; when the open time is over it is
// half-open and lets a few probes through, whose success closes it and whose failure opens it again for longer.
//
// A caller takes a [Lease] for one call and reports with [Lease.Done] what became of it:
//
//	lease, err := b.Acquire()
//	if err != nil {
//		return err
//	}
//	defer lease.Done(breaker.Ignored) // unless something else was reported first
//	…
//	lease.Done(breaker.Success)
//
// A failure is better reported by [Lease.DoneWith], with the answer as a [Cause]: should that open the breaker, everyone
// it refuses is told which answer did, and is kept off for as long as the server asked to be left alone, an hour at most.
//
// A lease that is never reported wedges nothing: a probe fails when its time is up, and any other lease is simply not
// counted. Reports are counted only by the state they were granted in: what comes in after the breaker has changed its
// state, or was isolated or reset, is ignored.
//
// There are no timers, and no goroutines but that of [Breaker.Stats]. That an open time or a probe has run out is noticed by the next Acquire, Check,
// State, Stats, Isolate or Reset, or the next report of a probe. The open time that follows a probe which never reported counts
// from the instant it ran out, not from when that was noticed.
//
// Where parts of an API fail by themselves, a [Group] keeps a breaker for each, of a bounded number: those in use, whatever
// has become of the others. To see what a breaker would do before it
// does it, set Config.ReportOnly. [Breaker.Isolate] and [Breaker.Reset] are for the person who knows better.
//
// A [Lockout] is the other, blunter instrument: it keeps everyone off a key that cannot work until a person has acted.
// What it costs does not depend on how many keys are locked.
//
// The states, and who may probe, are kept by github.com/sony/gobreaker/v2. Counting, open times, leases and hooks are
// made here, because its rolling window forgets failures that lie far apart, its open time is fixed, its probes may hang
// for ever, and its hooks run under its lock.
package breaker
