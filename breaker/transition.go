package breaker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	reasonVerdict = "tripped by the verdict"
	reasonProbe   = "probe failed"
	reasonLast    = ", the last: "
)

// admit is Acquire, or Check, in every state but Closed. An open time that is not over costs no lock.
func (b *Breaker) admit(take bool) (g *generation, p *probe, err error) {
	g = b.current()
	if now := b.now(); g.open(now) {
		return nil, nil, b.refuse(g, take, g.refuse(now))
	}
	b.mu.Lock()
	g, p, err = b.admitLocked(take)
	b.mu.Unlock()
	b.tell()
	return g, p, err
}

// refuse counts a refusal, and makes it one for the record only where the breaker is to report and not to refuse. There a
// caller who looks before he acquires is counted once, when he does.
func (b *Breaker) refuse(g *generation, take bool, e *OpenError) error {
	lenient := b.cfg.ReportOnly && !g.isolated
	if take || !lenient {
		g.refused.Add(1)
	}
	if lenient {
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

// full reports whether no more probes may go out, half-open.
func (b *Breaker) full() bool {
	c := b.machine.Counts()
	return c.Requests-c.TotalExclusions >= uint32(b.cfg.Probes)
}

// probing refuses a call while the probes are out. There is one out: had they all succeeded, the breaker were closed.
func (b *Breaker) probing(now time.Duration) *OpenError {
	e := &OpenError{Name: b.cfg.Name, RetryIn: 1, Reason: "half-open, waiting for its probes to answer"}
	if len(b.probes) > 0 {
		e.RetryIn = max(1, b.probes[0].expires-now)
	}
	return e
}

// untilProbed is how long the probes that are out may take to report at most, and
// the open time after that if they do not.
func (b *Breaker) untilProbed() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.probes) == 0 {
		return 0
	}
	return b.probes[0].expires + b.cfg.MaxOpenFor - b.now()
}

// grant lets a probe out, or returns nil if the machine will not have it.
func (b *Breaker) grant(now time.Duration) *probe {
	report, err := b.machine.Allow()
	if err != nil {
		return nil
	}
	p := &probe{report: report, expires: now + b.cfg.ProbeTimeout}
	b.probes = append(b.probes, p)
	return p
}

// settle makes the changes that time has brought about by now, and returns the generation that is current then. Every
// entry under the lock begins with it, so what happens does not depend on who looks when.
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

// halfOpen begins to probe. The machine's own open time is a nanosecond, and we have waited longer. There is one
// exception: a probe ran out so long ago that the open time which followed is over as well. The machine has learnt that
// just now and stays open for that nanosecond, so a machine that was opened earlier takes its place.
func (b *Breaker) halfOpen(now time.Duration) {
	if b.machine.State() == gobreaker.StateOpen && b.spare != nil {
		b.machine = b.spare
	}
	b.spare = openMachine(b.cfg.Probes)
	b.move(&generation{state: HalfOpen}, now, now, "open time is over")
}

// trip opens the breaker because of what g has counted, if g is still current, for as long as was asked at least.
func (b *Breaker) trip(g *generation, reason string, asked time.Duration) {
	b.mu.Lock()
	if b.gen.Load() == g {
		tripMachine(b.machine)
		b.openFor = b.cfg.OpenFor
		now := b.now()
		b.open(now, now, reason, asked, 0)
	}
	b.mu.Unlock()
	b.tell()
}

// probed takes the report of a probe, if it is still waited for, with what it failed with.
func (b *Breaker) probed(g *generation, p *probe, o Outcome, c *Cause) {
	b.mu.Lock()
	now := b.now()
	if b.settle(now) == g {
		b.judge(p, o, now, c)
	}
	b.mu.Unlock()
	b.tell()
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
		b.reopen(p, now, now, c.verdict(), c.asked())
	default:
		p.report(errIgnored) // its slot is free again
	}
}

// reopen opens because of a probe, for twice as long as the last time, or for as long as was asked.
func (b *Breaker) reopen(p *probe, at, now time.Duration, reason string, asked time.Duration) {
	b.openFor = min(2*b.openFor, b.cfg.MaxOpenFor)
	granted := p.expires - b.cfg.ProbeTimeout
	b.open(at, now, reason, asked, at-granted)
}

// open begins an open time at an instant that is now or has passed, after a probe that took so long, if any. The draw is
// cut off nowhere, or many processes would come back at that very instant. What a server asked for is the least, and
// nothing is put on top where it is more than all of that: a call that waits as it was told to then finds the breaker
// willing, and the probes are few.
//
// What the probe took is part of the time, or a fleet would notice later that a server which answered nobody is well
// than that one which refused everybody is. Half of it remains: a probe that hangs is not to be followed by the next at once.
func (b *Breaker) open(at, now time.Duration, reason string, asked, took time.Duration) {
	least, most := max(b.openFor*2/3, asked), max(b.openFor, asked)
	drawn := least + rand.N(most-least+1)
	if asked <= 0 {
		drawn -= min(took, drawn/2)
	}
	until := at + drawn
	b.move(&generation{state: Open, until: until, reason: reason}, at, now, reason)
}

// move makes g the current generation as of an instant that is now or has passed.
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
