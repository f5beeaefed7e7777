package oracle_test

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nexpay-go/resilience/breaker"
)

// A world is one schedule under way: the bank, the journal's store, the processes,
// and what has been seen of them.
type world struct {
	*plan
	verbose bool
	start   time.Time
	running sync.WaitGroup // calls
	horizon time.Duration  // the last thing on the wire arrives before that

	mu      sync.Mutex // guards what follows, and all that the actors do to each other
	bank    *bank
	store   *store
	slots   [2]*process
	started int // processes
	calls   []*call
	sends   []*send
	refs    int
	calm    bool // nothing goes wrong any more
	lost    bool // the journal was, and everybody knows
	jumped  bool // somebody else has used a key with nonces ahead of the clock
	found   []violation

	telling sync.Mutex // guards trace
	trace   []string
}

// A violation is a rule that was broken, and how.
type violation struct{ rule, how string }

func (v violation) String() string { return v.rule + ": " + v.how }

// maxSteps is more than any schedule takes. A call that takes more runs in circles.
const maxSteps = 20_000

// forever is when a schedule has to be over, in its own time.
const forever = 1000 * time.Hour

// run runs the schedule of a seed, in a bubble of its own.
func run(t *testing.T, seed uint64, verbose bool) *world { return runPlan(t, newPlan(seed), verbose) }

func runPlan(t *testing.T, p *plan, verbose bool) *world {
	w := &world{plan: p, verbose: verbose, bank: newBank()}
	w.store = newStore(w)
	// The waits between lookups have a jitter that only this can repeat: hence one
	// schedule at a time in a process.
	rand.Seed(int64(p.seed)) //lint:ignore SA1019 nothing else reaches the source that the engine's delays draw from
	synctest.Test(t, func(*testing.T) { w.run() })
	return w
}

func (w *world) run() {
	// Bubbles begin in the year 2000, before the program was started. The engine
	// counts time from there, and zero is to be in the past, as it is elsewhere.
	time.Sleep(100 * 365 * 24 * time.Hour)
	w.start = time.Now()
	w.tracef("%v", w.plan)
	for i := range w.rounds {
		w.round(i)
	}
	if w.healthy {
		w.ending()
	}
	time.Sleep(w.horizon - w.now() + time.Second) // what is on the wire arrives
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judge()
}

// round makes the calls of a round, and waits for them.
func (w *world) round(n int) {
	r := &w.rounds[n]
	for _, o := range r.obstacles {
		time.AfterFunc(o.after, func() { w.obstruct(o.kind, true) })
		w.later(o.after)
	}
	begun := w.now()
	for i := range r.calls {
		time.Sleep(begun + r.calls[i].after - w.now())
		w.call(&r.calls[i], n)
	}
	w.await()
	for _, o := range r.obstacles {
		if o.lasts < r.gap || o.kind == lockByHand {
			w.obstruct(o.kind, false)
		}
	}
	time.Sleep(r.gap)
	if w.loses && n == 0 {
		w.lose()
	}
}

// lose is a journal that is restored from an old backup, while nobody is at work.
func (w *world) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tracef("the journal is lost")
	w.lost = true
	clear(w.store.held)
	for id := range w.bank.first {
		if len(w.bank.ledger[id]) == 0 { // all begins with the next send, once it was looked for
			delete(w.bank.first, id)
		}
	}
	w.store.unsure = nil
	for _, p := range w.slots {
		if p != nil {
			p.kill()
		}
	}
}

// ending is the last round, in which all is well.
func (w *world) ending() {
	time.Sleep(newDice(w.seed, 1).between(0, 2*w.shows))
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	for kind := range obstacleKinds {
		w.obstruct(kind, false)
	}
	w.tracef("all is well from here on")
	last := callPlan{restart: w.seed%2 == 0}
	if w.endless {
		last.deadline = 10 * time.Minute
	}
	w.call(&last, len(w.rounds))
	w.await()
}

// await waits for the calls under way. One that hangs is no reason to hang.
func (w *world) await() {
	done := make(chan struct{})
	go func() {
		w.running.Wait()
		close(done)
	}()
	timer := time.NewTimer(forever)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		w.mu.Lock()
		w.violate("M5", "a call hangs")
		for _, p := range w.slots {
			if p != nil {
				p.kill()
			}
		}
		w.mu.Unlock()
		<-done
	}
}

// obstruct puts something in everybody's way, or takes it away.
func (w *world) obstruct(kind int, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if on && w.calm {
		return
	}
	w.tracef("obstacle %s: %v", [...]string{"key locked", "breaker open", "suspended", "locked by hand"}[kind], on)
	switch kind {
	case lockKey:
		w.bank.locked["k1"] = on
	case suspend:
		w.bank.suspended = on
	}
	for _, p := range w.slots {
		if p != nil {
			p.obstruct(kind, on)
		}
	}
}

func (p *process) obstruct(kind int, on bool) {
	switch {
	case kind == openBreaker && p.breaker != nil && on:
		p.breaker.Isolate("")
	case kind == openBreaker && p.breaker != nil:
		p.breaker.Reset()
	case kind == lockByHand && on:
		p.lockout.Lock(p.keyName(), breaker.LockCause{})
	case kind == lockByHand, kind == lockKey && !on:
		p.lockout.Unlock(p.keyName())
		p.lockout.Unlock("k2")
	}
}

// now is the time since the schedule began.
func (w *world) now() time.Duration { return time.Since(w.start) }

// later notes that something happens at d from now, so that it is waited for.
func (w *world) later(d time.Duration) { w.horizon = max(w.horizon, w.now()+d) }

func (w *world) ref() string {
	w.refs++
	return fmt.Sprintf("ref-%d", w.refs)
}

func (w *world) tracef(format string, args ...any) {
	if w.verbose {
		w.telling.Lock()
		defer w.telling.Unlock()
		w.trace = append(w.trace, fmt.Sprintf("%14v  ", w.now())+fmt.Sprintf(format, args...))
	}
}

// violate notes a violation. The first few say all.
func (w *world) violate(rule, format string, args ...any) {
	v := violation{rule, fmt.Sprintf(format, args...)}
	w.tracef("VIOLATION %s", v)
	if len(w.found) < 8 {
		w.found = append(w.found, v)
	}
}

// story is the trace, for people.
func (w *world) story() string { return strings.Join(w.trace, "\n") }

type callKey struct{}

// callOf finds whose context it is.
func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }
