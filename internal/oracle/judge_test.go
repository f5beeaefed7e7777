package oracle_test

import (
	"errors"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// atMostOnce is M1, whenever something is paid. Without a journal it speaks of
// one call, and of those before it whose doubt it took over.
func (w *world) atMostOnce(id string) {
	paid := w.bank.ledger[id]
	if w.journal && len(paid) > 1 {
		w.violate("M1", "%s is paid %d times", id, len(paid))
	}
	last := paid[len(paid)-1].of.by
	if n := last.executed(); n > 1 {
		w.violate("M1", "%v has paid %d times", last, n)
	}
}

// executed is how many payments the sends of this call have made, and of those whose
// doubt it took over.
func (c *call) executed() (n int) {
	for _, p := range c.w.bank.ledger[c.id] {
		if c.watch.of(p.of) {
			n++
		}
	}
	return n
}

// judge compares what was said with what happened, when nothing can happen any more.
func (w *world) judge() {
	for _, c := range w.calls {
		if c.finished {
			c.truthful()
		}
	}
	if last := w.calls[len(w.calls)-1]; w.healthy && last.finished {
		last.brave()
	}
}

// truthful is M2.
func (c *call) truthful() {
	paid := c.w.bank.ledger[c.id]
	isRef := func(p payment) bool { return p.ref == c.value }
	switch {
	case c.err == nil && len(paid) == 0:
		c.violate("M2", "success, and nothing is paid")
	case c.err == nil && !slices.ContainsFunc(paid, isRef):
		c.violate("M2", "success with the value %q", c.value)
	case c.err == nil:
	case errors.Is(c.err, retry.ErrApplied):
		if len(paid) == 0 {
			c.violate("M2", "applied, and nothing is paid")
		}
	case errors.Is(c.err, retry.ErrOutcomeUnknown):
		c.conclusive(paid)
	case errors.Is(c.err, retry.ErrBusy) && len(c.sends) == 0:
	case c.executed() > 0:
		c.violate("M2", "it is paid, and the answer is %v", c.err)
	case errors.Is(c.err, retry.ErrBusy), c.otherPrint():
	case c.known(paid) > 0:
		c.violate("M2", "an earlier call has paid, and the answer is %v", c.err)
	}
}

// brave is what is asked of the last call, which nothing stands in the way of: not
// to give up.
func (c *call) brave() {
	replayed := c.w.bank.keys[c.key+"/"+c.id]
	inTime := c.start+10*time.Second < c.w.lastReplay(c.id)-clocks && !c.w.skewed && (replayed == nil || replayed.shape == nil)
	switch {
	case c.err == nil, errors.Is(c.err, retry.ErrApplied), errors.Is(c.err, retry.ErrResync), !c.w.payable(c), c.failing, c.beaten:
	case !c.ever:
		c.violate("timid", "all is well, and the answer is %v", c.err)
	case c.inherited && c.held.State != 0 && inTime && len(c.sends) == 0:
		c.violate("timid", "the bank keeps it from happening twice, and it is not sent again: %v", c.err)
	}
}

// known is how many payments were made by sends that the journal told the call of.
// An answer has to be true at some moment during the call; who begins after that
// is not its business.
func (c *call) known(paid []payment) (n int) {
	for _, p := range paid {
		before := c.after && !p.of.by.after // the journal was lost
		if c.w.journal && (before || p.of.by.after == c.after && p.of.gen <= c.gen) {
			n++
		}
	}
	return n
}

// conclusive holds Doubt.Conclusive to its word: what is not to be seen then did
// not happen. Where nonces have to keep late copies out it takes two lookups.
func (c *call) conclusive(paid []payment) {
	var e *retry.Error
	if c.w.strict || !errors.As(c.err, &e) || e.Doubt == nil || e.Doubt.Conclusive.IsZero() {
		return
	}
	from := e.Doubt.Conclusive.Sub(c.w.start)
	for _, p := range paid {
		if p.visible > from && (c.watch.of(p.of) || c.known([]payment{p}) > 0) {
			c.violate("M5", "looking is not conclusive at %v, %s shows at %v", from.Round(time.Millisecond), p.ref, p.visible)
		}
	}
}

// A tally counts over schedules.
type tally struct {
	Schedules, Calls, Sends, Paid, Unknown int
	Payable, PaidOff                       int // in the end: what could be paid, and what is
}

func (t *tally) add(o tally) {
	t.Schedules += o.Schedules
	t.Calls += o.Calls
	t.Sends += o.Sends
	t.Paid += o.Paid
	t.Unknown += o.Unknown
	t.Payable += o.Payable
	t.PaidOff += o.PaidOff
}

// tally counts what this schedule came to.
func (w *world) tally() tally {
	t := tally{Schedules: 1, Calls: len(w.calls), Sends: len(w.sends)}
	for _, paid := range w.bank.ledger {
		t.Paid += len(paid)
	}
	for _, c := range w.calls {
		if c.finished && errors.Is(c.err, retry.ErrOutcomeUnknown) {
			t.Unknown++
		}
	}
	last := w.calls[len(w.calls)-1]
	if w.healthy && w.payable(last) {
		t.Payable = 1
		if last.finished && (last.err == nil || errors.Is(last.err, retry.ErrApplied)) {
			t.PaidOff = 1
		}
	}
	return t
}

// payable reports whether nothing of the caller's own keeps the payment from being
// made in the end.
func (w *world) payable(c *call) bool {
	possible := (w.verify == proper || w.verify == sloppy) && !w.endless && !w.wild && w.giveUp > w.settle+journalTime
	sameKey := !c.pinned || c.key == c.proc.key || w.source == twoLanes && c.key == "k2"
	return possible && sameKey && w.source != anyKey && !w.jumped && !w.bad && !c.otherPrint()
}
