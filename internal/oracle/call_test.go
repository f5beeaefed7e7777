package oracle_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// A call is one DoOnce, and the goroutine that makes it.
type call struct {
	*watch
	dice
	w      *world
	n      int
	plan   *callPlan
	proc   *process
	id     string
	bad    bool // what it asks for is wrong, as long as it is not fixed
	start  time.Duration
	after  bool // the journal was lost before
	steps  int
	cancel context.CancelFunc

	line      line // of the send under way
	sendBegan time.Duration
	left      bool // the operation has panicked or exited
	finished  bool // DoOnce has returned
	value     string
	err       error
	at        time.Duration // when it ended
}

// call starts a call.
func (w *world) call(cp *callPlan, round int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slot := &w.slots[cp.slot]
	if p := *slot; p != nil && cp.restart && p.at == 0 {
		p.kill()
	}
	if *slot == nil || (*slot).gone {
		*slot = w.boot(cp)
	}
	c := &call{w: w, n: len(w.calls) + 1, plan: cp, proc: *slot, id: "payment", bad: w.bad}
	c.dice = newDice(w.seed, uint64(100+c.n))
	if !w.journal { // a promise about a second call is only made for what the same Retrier left in doubt
		switch known := c.memory().open(); {
		case known != "":
			c.id = known
		case w.keep > 0: // as nobody knows when others have sent it first
			c.id = fmt.Sprintf("payment-of-%d", c.n)
		default:
			c.id = fmt.Sprintf("payment-%d", round)
		}
	}
	if cp.other {
		c.id = "other " + c.id
	}
	c.watch, c.after = &watch{call: c}, w.lost
	w.calls = append(w.calls, c)
	c.proc.at++
	w.running.Go(c.run)
}

func (c *call) run() {
	ctx, stop := context.WithCancelCause(context.WithValue(c.proc.ctx, callKey{}, c))
	cause := pick(c.dice, nil, nil, wrongAnswer.err, unconnected[0].err, anothers) // what became of another call, as errgroup has it
	cancel := context.CancelFunc(func() { stop(cause) })
	defer cancel()
	if c.plan.deadline > 0 {
		ctx, cancel = context.WithTimeout(ctx, c.plan.deadline)
		defer cancel()
	}
	if c.plan.cancel > 0 {
		timer := time.AfterFunc(c.plan.cancel, cancel)
		defer timer.Stop()
	}
	c.cancel = cancel
	defer c.over()
	r := c.proc.retriers[c.plan.retrier]
	c.start = c.w.now()
	c.tracef("begins: %+v", *c.plan)
	if !c.w.journal {
		c.watch.recall()
	}
	if c.plan.sweep && c.w.journal {
		c.sweep(ctx, r)
		return
	}
	value, err := retry.DoOnce(ctx, r, c.operation(), c.options()...)
	c.finished, c.value, c.err = true, value, err
}

// sweep has Recover make the call, if there is anything to recover.
func (c *call) sweep(ctx context.Context, r *retry.Retrier) {
	find := func(retry.Entry) (retry.Operation[string], bool) { return c.operation(), true }
	results, _ := retry.Recover(ctx, r, &journal{c.w}, find, c.options()...)
	for _, one := range results {
		c.finished, c.value, c.err = true, one.Value, one.Err
	}
}

// over is what is left to do when the goroutine ends, whichever way.
func (c *call) over() {
	panicked := recover()
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.proc.at--
	c.at = c.w.now()
	defer c.watch.remember()
	switch {
	case c.proc.gone:
		c.finished = false // nobody is left to hear of it
	case c.finished && c.left && errors.Is(c.err, retry.ErrOutcomeUnknown):
		c.tracef("ends, left in the middle: %v", c.err)
		c.watch.interrupted()
	case c.finished:
		c.tracef("ends: %q, %v", c.value, c.err)
		c.watch.answered()
	case panicked != nil && panicked != errPanic:
		c.w.violate("M8", "%v panics: %v", c, panicked)
	case c.plan.sweep && len(c.sends) == 0:
		c.tracef("finds nothing to recover")
	default:
		c.tracef("ends in a panic or an exit")
		c.watch.interrupted()
	}
}

var errPanic = errors.New("a panic of the operation's")

// alive ends the goroutine of a process that is dead.
func (c *call) alive() {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.step()
	if c.steps > maxSteps && !c.proc.gone {
		c.w.violate("M5", "%v runs in circles", c)
		c.proc.kill()
	}
	if c.proc.gone {
		runtime.Goexit()
	}
}

// step is one thing after which everything may be different.
func (c *call) step() {
	c.steps++
	if c.steps == c.plan.cancels {
		c.tracef("is canceled")
		c.cancel()
	}
}

// wait waits, and reports whether ctx held that long. Here processes die.
func (c *call) wait(ctx context.Context, d time.Duration) bool {
	c.alive()
	crash := c.plan.crash > 0 && c.steps >= c.plan.crash
	if crash {
		d /= 2
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-c.proc.dead:
	}
	held := ctx.Err() == nil // if the time is over at the same moment too: else a seed would be worth nothing
	if crash {
		c.w.mu.Lock()
		c.proc.kill()
		c.w.mu.Unlock()
	}
	c.alive()
	return held
}

func (c *call) tracef(format string, args ...any) {
	if c.w.verbose {
		c.w.tracef("%v: %s", c, fmt.Sprintf(format, args...))
	}
}

func (c *call) String() string { return fmt.Sprintf("call %d of process %d (%s)", c.n, c.proc.n, c.id) }

func (c *call) calm() bool {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.w.calm
}
