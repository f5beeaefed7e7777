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
	// late for ever, or every copy takes effect and shows within shows of Send's return.
	strict bool
	dedup  bool          // it refuses an id that it has executed
	spends bool          // a request that it refuses has used up its nonce all the same
	shows  time.Duration // at most settle
	keep   time.Duration // how long it keeps idempotency keys, 0: not at all
	stores bool          // it keeps refusals under them as well

	// The terms of the caller.
	source    source
	unnamed   bool          // where the operation draws its own nonces, their key has no name
	inFlight  int           // of a lane
	maxAhead  time.Duration // of it, 0: the default
	timeout   time.Duration
	settle    time.Duration
	giveUp    time.Duration
	endless   bool // one of the two is longer than anybody waits
	noReplay  bool
	speaks    bool // the transport below reports its connections to httptrace
	besides   bool // so does that of other APIs
	nests     int  // how often the operation makes calls of its own, in percent
	stands    int  // how often the process stands still between Begin and the wire, in percent
	lookFirst bool
	journal   bool
	loses     bool // the journal is lost, and everybody knows
	skewed    bool // the clocks of processes differ, by up to a minute …
	wild      bool // … or by a day
	verify    verify
	budget    int // 0: the default, below: none
	trip      int // of the breaker, 0: there is none
	bad       bool
	fixable   bool

	// How rough it is.
	sendFates, askFates []int // weights
	moods               []int // weights of the bank's moods
	storeFaults         []int // weights of the journal's faults
	gateway             bool  // lookups meet what hostile says

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
	skew     time.Duration // of the clock of a new process, as it stands in the journal
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

// late reports whether copies may be late for ever: higher nonces fence them off. They
// do not where a replay may be the last thing that the bank sees before it forgets
// the key.
func (p *plan) late() bool { return p.strict && p.keep == 0 }

// takes is how long a Send may take, where anybody bounds that.
func (p *plan) takes() time.Duration {
	if p.timeout == 0 && (p.journal || p.keep > 0) {
		return time.Minute
	}
	return p.timeout
}

func (p *plan) String() string {
	return fmt.Sprintf("strict %v, dedup %v, spends %v, shows %v, keys kept %v, refusals too %v; %v, in flight %d, timeout %v, settle %v, give up %v, no replay %v, speaks %v, nests %d, stands %d, look first %v, journal %v, loses %v, skewed %v, verify %v, budget %d, trip %d, bad %v, fixable %v; healthy end %v\nsends %v asks %v moods %v store %v",
		p.strict, p.dedup, p.spends, p.shows, p.keep, p.stores, p.source, p.inFlight, p.timeout, p.settle, p.giveUp, p.noReplay, p.speaks, p.nests, p.stands, p.lookFirst, p.journal, p.loses, p.skewed, p.verify, p.budget, p.trip, p.bad, p.fixable, p.healthy, p.sendFates, p.askFates, p.moods, p.storeFaults)
}
