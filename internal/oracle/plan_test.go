package oracle_test

import (
	"fmt"
	"time"
)

// A plan is what a schedule is about: the terms that hold throughout, and who
// calls when.
type plan struct {
	seed uint64

	// The terms of the bank. Either it refuses old nonces, and then copies may be
	// late for ever, or every copy takes effect and shows within settle of Send's return.
	strict bool
	dedup  bool // it refuses an id that it has executed
	spends bool // a request that it refuses has used up its nonce all the same

	// The terms of the caller.
	source   source
	unnamed  bool // where the operation draws its own nonces, their key has no name
	inFlight int  // of a lane
	timeout  time.Duration
	settle   time.Duration
	giveUp   time.Duration
	noReplay bool
	journal  bool
	verify   verify
	budget   int // 0: the default, below: none
	trip     int // of the breaker, 0: there is none
	bad      bool
	fixable  bool

	// How rough it is.
	sendFates, askFates []int // weights
	moods               []int // weights of the bank's moods
	storeFaults         []int // weights of the journal's faults

	rounds  []round
	healthy bool // in the end all is well, and one more call is made
}

// A round is one call, or two at once.
type round struct {
	calls     []callPlan
	obstacles []obstacle
	gap       time.Duration // until the next one
}

type callPlan struct {
	after    time.Duration // the round began
	slot     int           // which process
	retrier  int           // which of its two
	restart  bool          // a new process, if nobody is at work in the old one
	cancel   time.Duration // when the caller cancels, 0: never
	deadline time.Duration // of the caller, 0: none
	cancels  int           // the caller cancels in this call's n-th step, 0: it does not
	crash    int           // the process dies in this call's n-th step, 0: it does not
	forged   bool          // it is another operation under the same ID
	otherKey bool          // in a new process, which has another key
	other    bool          // it is another payment, which is only in the way
	sweep    bool          // it is made by Recover
	ahead    time.Duration // of the clock, the nonces of a new process
}

type obstacle struct {
	after, lasts time.Duration
	kind         int
}

// The kinds of obstacles.
const (
	lockKey = iota
	openBreaker
	suspend
	lockByHand
	obstacleKinds
)

// timeouts are odd, so that none ends together with anything else.
var timeouts = []time.Duration{0, 1900 * time.Millisecond, 9700 * time.Millisecond}

type source int

const (
	oneLane source = iota
	twoLanes
	anyKey    // two lanes, of which nobody can choose one
	ownNonces // the operation draws its nonces
)

func (s source) String() string { return [...]string{"lane", "pool", "any key", "own nonces"}[s] }

type verify int

const (
	proper  verify = iota
	sloppy         // it says Absent where it found nothing out, but with the error
	broken         // it never gets an answer
	missing        // there is none
)

func (v verify) String() string { return [...]string{"proper", "sloppy", "broken", "missing"}[v] }

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
		journal:  d.chance(80),
		verify:   pick(d, proper, proper, proper, proper, proper, proper, proper, proper, proper, proper, sloppy, sloppy, sloppy, broken, missing),
		budget:   pick(d, 0, -1, 10, 25),
		trip:     pick(d, 0, 2, 10),
		bad:      d.chance(10),
		fixable:  d.chance(50),
		healthy:  d.chance(80),
	}
	p.giveUp = p.settle * time.Duration(pick(d, 2, 4, 10))
	if d.chance(15) {
		p.giveUp = p.settle + d.between(1, p.settle)
	}
	// A copy that comes second has the nonce of the first. Did a refusal not use
	// that up, the answer to one copy would be no word about the other.
	p.spends = !p.noReplay || d.chance(50)
	p.weather(d)
	p.people(d)
	return p
}

// weather draws how rough it is: for sends, for lookups, for the journal.
func (p *plan) weather(d dice) {
	p.sendFates = fateWeights(d, unreached, hidden, lost, silent, answerLost, late, twice, damaged, forged, panics)
	p.askFates = fateWeights(d, unreached, hidden, lost, silent, answerLost, damaged, forged, panics)
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

// people draws who calls when, and what stands in their way.
func (p *plan) people(d dice) {
	for range 1 + d.weighted([]int{35, 35, 30}) {
		r := round{gap: p.gap(d)}
		r.calls = append(r.calls, p.caller(d))
		if d.chance(35) {
			r.calls = append(r.calls, p.second(d, r.calls[0]))
		}
		for range d.weighted([]int{60, 25, 15}) {
			r.obstacles = append(r.obstacles, obstacle{d.between(0, 2*p.settle), d.between(0, 2*p.giveUp), d.IntN(obstacleKinds)})
		}
		p.rounds = append(p.rounds, r)
	}
}

func (p *plan) gap(d dice) time.Duration {
	switch d.IntN(20) {
	case 0:
		return d.between(50*time.Minute, 70*time.Minute) // doubt gets too old to resend
	case 1, 2, 3, 4:
		return d.between(0, 2*p.settle)
	}
	return d.between(0, time.Second)
}

func (p *plan) caller(d dice) callPlan {
	c := callPlan{slot: d.IntN(2), retrier: d.IntN(2), restart: d.chance(30), otherKey: d.chance(3), forged: d.chance(3)}
	switch d.IntN(10) {
	case 0:
		c.cancel = d.between(1, 3*p.settle)
	case 1:
		c.cancel = d.between(1, time.Second)
	case 2:
		c.deadline = d.between(1, p.giveUp)
	case 3:
		c.cancels = 1 + d.IntN(20)
	}
	if d.chance(15) && p.source != ownNonces { // who draws his own has to see to it that they rise, restarts and all
		c.ahead = d.between(0, pick(d, time.Second, 2*p.settle))
	}
	c.sweep = d.chance(15)
	if d.chance(25) {
		c.crash = 1 + d.IntN(12)
	}
	return c
}

// second is one more call while another is under way.
func (p *plan) second(d dice, first callPlan) callPlan {
	c := p.caller(d)
	c.restart, c.other = false, d.chance(25)
	c.after = pick(d, d.between(0, 10*time.Millisecond), d.between(0, time.Second), d.between(0, 2*p.settle))
	if !p.strict && p.timeout == 0 {
		// Nothing tells this one how long the other may still be sending, and no
		// nonce fences it off: only within one Retrier the rules promise anything.
		c.slot, c.retrier = first.slot, first.retrier
	}
	return c
}

func (p *plan) String() string {
	return fmt.Sprintf("strict %v, dedup %v, spends %v; %v, in flight %d, timeout %v, settle %v, give up %v, no replay %v, journal %v, verify %v, budget %d, trip %d, bad %v, fixable %v; healthy end %v\nsends %v asks %v moods %v store %v",
		p.strict, p.dedup, p.spends, p.source, p.inFlight, p.timeout, p.settle, p.giveUp, p.noReplay, p.journal, p.verify, p.budget, p.trip, p.bad, p.fixable, p.healthy, p.sendFates, p.askFates, p.moods, p.storeFaults)
}
