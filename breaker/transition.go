package breaker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	reasonTrip  = "a call reported Trip"
	reasonProbe = "probe failed"
	reasonLast  = ", the last: "
)

// admit is Acquire, or Check, in every state but Closed. It takes no lock while the open
// time runs.
func (b *Breaker) admit(take bool) (g *generation, p *probe, err error) {
	g = b.current()
	if now := b.now(); g.open(now) {
		return nil, nil, b.refuse(g, take, g.refuse(now))
	}
	b.mu.Lock()
	g, p, err = b.admitLocked(take)
	b.mu.Unlock()
	b.notify()
	return g, p, err
}

// refuse counts a refusal and returns it, or nil if the breaker is ReportOnly. There a
// caller that calls Check before Acquire is counted once, by Acquire.
func (b *Breaker) refuse(g *generation, take bool, e *OpenError) error {
	reportOnly := b.cfg.ReportOnly && !g.isolated
	if take || !reportOnly {
		g.refused.Add(1)
	}
	if reportOnly {
		return nil
	}
	return e
}

func (b *Breaker) admitLocked(take bool) (*generation, *probe, error) {
	now := b.now()
	g := b.settle(now)
	switch {
	case g.open(now):
		return nil, nil, b.refuse(g, take, g.refuse(now))
	case g.state == Closed:
		return g, nil, nil // reset a moment ago
	case !take && b.full():
		return nil, nil, b.refuse(g, take, b.probing(now))
	case !take:
		return g, nil, nil
	}
	if p := b.grant(now); p != nil {
		return g, p, nil
	}
	return nil, nil, b.refuse(g, take, b.probing(now))
}

// full reports whether all probes of a half-open breaker are taken.
func (b *Breaker) full() bool {
	c := b.machine.Counts()
	return c.Requests-c.TotalExclusions >= uint32(b.cfg.Probes)
}

// probing refuses a call while all probes are taken. At least one has not reported: had
// they all succeeded, the breaker would be closed.
func (b *Breaker) probing(now time.Duration) *OpenError {
	e := &OpenError{Name: b.cfg.Name, RetryIn: 1, Reason: "half-open, waiting for its probes to answer", sooner: true}
	if len(b.probes) > 0 {
		e.RetryIn = max(1, b.probes[0].expires-now)
	}
	return e
}

// untilProbed is the longest time until the unreported probes run out, plus the open time
// that follows if they do.
func (b *Breaker) untilProbed() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.probes) == 0 {
		return 0
	}
	return b.probes[0].expires + b.cfg.MaxOpenFor - b.now()
}

// grant takes a slot for a probe, or returns nil if the machine has none.
func (b *Breaker) grant(now time.Duration) *probe {
	report, err := b.machine.Allow()
	if err != nil {
		return nil
	}
	p := &probe{report: report, expires: now + b.cfg.ProbeTimeout}
	b.probes = append(b.probes, p)
	return p
}

// settle makes the changes that are due by now, and returns the generation current then.
// Every entry under the lock begins with it, so the result does not depend on who calls
// when.
func (b *Breaker) settle(now time.Duration) *generation {
	g := b.gen.Load()
	if g.state == HalfOpen && len(b.probes) > 0 && b.probes[0].expires <= now {
		p := b.probes[0]
		p.report(errFailed)
		b.reopen(p, p.expires, now, fmt.Sprintf("probe did not report within %v", b.cfg.ProbeTimeout), 0)
		g = b.gen.Load()
	}
	if g.state == Open && !g.open(now) {
		b.halfOpen(now)
	}
	return b.gen.Load()
}

// halfOpen begins to probe. The machine's own open time is a nanosecond, and more has
// passed, with one exception: a probe ran out so long ago that the open time after it is
// over as well. The machine gets that failure only now and stays open for its nanosecond,
// so a machine that was opened earlier takes its place.
func (b *Breaker) halfOpen(now time.Duration) {
	if b.machine.State() == gobreaker.StateOpen && b.spare != nil {
		b.machine = b.spare
	}
	b.spare = openMachine(b.cfg.Probes)
	b.move(&generation{state: HalfOpen}, now, now, "open time is over")
}

// trip opens the breaker because of what g has counted, if g is still current, for at
// least as long as the server asked.
func (b *Breaker) trip(g *generation, reason string, asked time.Duration) {
	b.mu.Lock()
	if b.gen.Load() == g {
		tripMachine(b.machine)
		b.openFor = b.cfg.OpenFor
		now := b.now()
		b.open(now, now, reason, asked, 0)
	}
	b.mu.Unlock()
	b.notify()
}

// probed takes the report of a probe, unless the breaker has moved on.
func (b *Breaker) probed(g *generation, p *probe, o Outcome, c *Cause) {
	b.mu.Lock()
	now := b.now()
	if b.settle(now) == g {
		b.judge(p, o, now, c)
	}
	b.mu.Unlock()
	b.notify()
}

func (b *Breaker) judge(p *probe, o Outcome, now time.Duration, c *Cause) {
	b.probes = slices.DeleteFunc(b.probes, func(q *probe) bool { return q == p })
	switch o {
	case Success:
		p.report(nil)
		if b.machine.State() == gobreaker.StateClosed {
			b.move(&generation{state: Closed}, now, now, counted(int64(b.cfg.Probes), "probe")+" succeeded")
		}
	case Failure:
		p.report(errFailed)
		b.reopen(p, now, now, reasonProbe+c.after(": "), c.asked())
	case Trip:
		p.report(errFailed)
		b.reopen(p, now, now, c.tripReason(), c.asked())
	default:
		p.report(errIgnored) // frees its slot
	}
}

// reopen opens the breaker after a failed probe, for twice as long as last time or for as
// long as the server asked.
func (b *Breaker) reopen(p *probe, at, now time.Duration, reason string, asked time.Duration) {
	b.openFor = min(2*b.openFor, b.cfg.MaxOpenFor)
	granted := p.expires - b.cfg.ProbeTimeout
	b.open(at, now, reason, asked, at-granted)
}

// open begins an open time at an instant that is now or in the past. took is how long the
// failed probe took, if there was one.
//
// The random time is not truncated at a bound, or many processes would come back at that
// very instant. The wait that the server asked for is the minimum. If it exceeds the open
// time, nothing is added to it, so that a call that waits exactly that long finds the
// breaker half-open. The number of probes limits the load then.
//
// The duration of the probe is part of the open time. Otherwise a fleet would notice the
// recovery of a server that times out later than that of one that refuses at once. At
// least half of the time remains: a probe that hangs must not be followed by the next one
// at once.
func (b *Breaker) open(at, now time.Duration, reason string, asked, took time.Duration) {
	least, most := max(b.openFor*2/3, asked), max(b.openFor, asked)
	drawn := least + rand.N(most-least+1)
	if asked <= 0 {
		drawn -= min(took, drawn/2)
	}
	until := at + drawn
	b.move(&generation{state: Open, until: until, reason: reason}, at, now, reason)
}

// move makes g the current generation as of an instant that is now or in the past.
func (b *Breaker) move(g *generation, at, now time.Duration, reason string) {
	left := b.gen.Load()
	from := left.state
	g.owner, g.since = b, at
	b.refused += left.refused.Load()
	if from != g.state {
		b.moved++
	}
	b.probes = nil
	b.gen.Store(g)
	if b.cfg.OnStateChange == nil || from == Closed && g.state == Closed {
		return
	}
	c := StateChange{Name: b.cfg.Name, From: from, To: g.state, At: time.Now().Add(at - now), Reason: reason, Refused: left.refused.Load()}
	if g.state == Open && !g.isolated {
		c.RetryIn = g.until - at
	}
	b.changes.Push(c)
}
