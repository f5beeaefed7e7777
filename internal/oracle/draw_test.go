package oracle_test

import (
	"math"
	"time"
)

// timeouts are odd, so that none ends together with anything else.
var timeouts = []time.Duration{0, 1900 * time.Millisecond, 9700 * time.Millisecond}

func newPlan(seed uint64) *plan {
	d := newDice(seed, 0)
	p := &plan{
		seed:     seed,
		strict:   d.chance(70),
		dedup:    d.chance(25),
		source:   pick(d, oneLane, oneLane, oneLane, twoLanes, twoLanes, anyKey, ownNonces, ownNonces),
		unnamed:  d.chance(30),
		inFlight: pick(d, 1, 1, 1, 2),
		timeout:  pick(d, timeouts...),
		settle:   pick(d, time.Second, 3*time.Second, 10*time.Second, 40*time.Second),
		noReplay: d.chance(40),
		speaks:   d.chance(75),
		besides:  d.chance(50),
		nests:    pick(d, 0, 0, 0, 20, 60),
		journal:  d.chance(80),
		verify:   pick(d, proper, proper, proper, proper, proper, proper, proper, proper, proper, proper, sloppy, sloppy, sloppy, broken, missing),
		budget:   pick(d, 0, -1, 10, 25),
		trip:     pick(d, 0, 0, 2, 10),
		bad:      d.chance(10),
		fixable:  d.chance(50),
		healthy:  d.chance(80),
		maxAhead: pick(d, 0, 0, 0, time.Second),
	}
	p.times(d)
	p.terms(d)
	p.weather(d)
	p.people(d)
	return p
}

// times draws how long things take, and how long anybody waits.
func (p *plan) times(d dice) {
	p.shows = p.settle
	p.giveUp = p.settle * time.Duration(pick(d, 2, 4, 10))
	if d.chance(15) {
		p.giveUp = p.settle + d.between(1, p.settle)
	}
	if d.chance(30) {
		p.keep = pick(d, time.Minute, 3*time.Minute, 4*time.Minute, 10*time.Minute, 2*time.Hour, math.MaxInt64)
		p.stores = d.chance(50)
	}
	switch d.IntN(40) {
	case 0:
		p.settle, p.shows, p.giveUp = 1, 1, pick(d, 2, time.Minute)
	case 1:
		p.settle, p.giveUp, p.endless = math.MaxInt64-pick[time.Duration](d, 0, 1, time.Minute), 0, true
	case 2:
		p.giveUp, p.endless = math.MaxInt64-pick[time.Duration](d, 0, time.Minute), true
	}
}

// terms draws what hangs on something else.
func (p *plan) terms(d dice) {
	// A copy that comes second has the nonce of the first. Did a refusal not use
	// that up, the answer to one copy would be no word about the other.
	p.spends = !p.noReplay || d.chance(50)
	if p.late() && d.chance(20) {
		p.stands = pick(d, 10, 50)
	}
	p.lookFirst = d.chance(8)
	if p.journal {
		p.skewed = d.chance(30)
		p.wild = p.skewed && d.chance(30)
		// What was sent before is not known any more then, nor what fences it off.
		p.loses = !p.skewed && (p.source == oneLane || p.source == ownNonces) && d.chance(10)
	}
	if p.keep > 0 && p.verify == proper && d.chance(20) {
		p.verify = missing
	}
}

// weather draws how rough it is: for sends, for lookups, for the journal.
func (p *plan) weather(d dice) {
	p.sendFates = fateWeights(d, unreached, blackhole, unsendable, hidden, lost, silent, answerLost, late, twice, damaged, forged, panics)
	p.askFates = fateWeights(d, unreached, blackhole, unsendable, hidden, lost, silent, answerLost, damaged, forged, panics)
	p.moods = pick(d, []int{100}, []int{80, 5, 5, 5, 5}, []int{40, 15, 15, 15, 15})
	p.storeFaults = pick(d, []int{100}, []int{100}, []int{80, 4, 4, 4, 4, 4}, []int{40, 12, 12, 12, 12, 12})
}

// fateWeights draws a calm day, a mixed one, or one on which one thing goes wrong
// most of the time.
func fateWeights(d dice, may ...int) []int {
	w := make([]int, fates)
	w[clean] = pick(d, 97, 50, 20)
	for _, fate := range may {
		w[fate] = 3
	}
	if d.chance(50) {
		w[pick(d, may...)] += 60
	}
	return w
}

// span is shows, where that is long enough to tell moments apart.
func (p *plan) span() time.Duration { return max(p.shows, 100*time.Millisecond) }

// people draws who calls when, and what stands in their way.
func (p *plan) people(d dice) {
	for range 1 + d.weighted([]int{35, 35, 30}) {
		r := round{gap: p.gap(d)}
		r.calls = append(r.calls, p.caller(d))
		if d.chance(35) {
			r.calls = append(r.calls, p.second(d))
		}
		for range d.weighted([]int{60, 25, 15}) {
			r.obstacles = append(r.obstacles, obstacle{d.between(0, 2*p.span()), d.between(0, 20*p.span()), d.IntN(obstacleKinds)})
		}
		p.rounds = append(p.rounds, r)
	}
}

func (p *plan) gap(d dice) time.Duration {
	switch d.IntN(20) {
	case 0:
		if d.chance(50) { // doubt gets too old to resend, at the very moment when it would be
			return max(time.Hour-p.takes()-p.shows-journalTime-d.between(0, 15*time.Second), 0)
		}
		return time.Hour + d.between(-3*p.span()-20*time.Second, 2*p.span())
	case 1, 2, 3, 4:
		return d.between(0, 2*p.span())
	case 5, 6, 7:
		if last := p.keep - add(p.takes(), p.settle) - clocks; last > 0 && last < 3*time.Hour { // or to replay
			return pick(d, d.between(max(last-20*time.Second, 0), last+clocks+10*time.Second), d.between(max(last-6*time.Second, 0), last))
		}
	}
	return d.between(0, time.Second)
}

func (p *plan) caller(d dice) callPlan {
	c := callPlan{slot: d.IntN(2), retrier: d.IntN(2), restart: d.chance(30), otherKey: !p.loses && d.chance(3), forged: d.chance(5)}
	switch d.IntN(10) {
	case 0:
		c.cancel = d.between(1, 3*p.span())
	case 1:
		c.cancel = d.between(1, time.Second)
	case 2:
		c.deadline = d.between(1, 10*p.span())
	case 3:
		c.cancels = 1 + d.IntN(20)
	}
	if p.endless {
		c.deadline = d.between(1, 10*time.Minute)
	}
	if d.chance(15) && p.source != ownNonces && !p.loses { // who draws his own has to see to it that they rise, restarts and all
		c.ahead = d.between(0, pick(d, time.Second, 2*p.span()))
	}
	if p.skewed {
		c.skew = d.between(0, time.Minute)
		if p.wild && d.chance(50) {
			c.skew += pick(d, -24*time.Hour, 24*time.Hour)
		}
	}
	c.sweep = d.chance(15)
	if d.chance(25) {
		c.crash = 1 + d.IntN(12)
	}
	return c
}

// second is one more call while another is under way.
func (p *plan) second(d dice) callPlan {
	c := p.caller(d)
	c.restart, c.other, c.forged = false, d.chance(25), d.chance(12)
	c.after = pick(d, d.between(0, 10*time.Millisecond), d.between(0, time.Second), d.between(0, 2*p.span()))
	return c
}
