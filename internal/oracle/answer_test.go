package oracle_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// strangers are what an unknown outcome must not be taken for.
var strangers = []error{
	context.Canceled, context.DeadlineExceeded, retry.ErrFatal, retry.ErrFixAndResend, retry.ErrUnclassified, retry.ErrAttempts,
	retry.ErrElapsed, retry.ErrDeadline, retry.ErrCanceled, retry.ErrBudget, breaker.ErrOpen, breaker.ErrLockedOut,
	retry.ErrRetryAfter, retry.ErrResync, retry.ErrNonce, retry.ErrApplied, retry.ErrBusy, retry.ErrNested, nonce.ErrUnknownKey, nonce.ErrLeft,
}

// answered holds the answer to what the call has seen. What it has not seen comes
// out in the end.
func (w *watch) answered() {
	err := w.call.err
	w.at = 0 // it may have begun, and thought better of it
	switch {
	case err == nil && w.foreign:
		w.violate("M6", "the journal held another operation under this ID, and the answer is its value")
	case err == nil:
	case w.applied && !errors.Is(err, retry.ErrApplied):
		w.violate("M4", "Verify said Applied, the answer is %v", err)
	case w.success:
		w.violate("M8", "Send succeeded, the answer is %v", err)
	case errors.Is(err, retry.ErrOutcomeUnknown):
		w.unknown()
	case errors.Is(err, retry.ErrBusy):
		w.busy()
	case !errors.Is(err, retry.ErrApplied):
		w.denied()
	}
	if w.doubt && !w.told && len(w.sends) > 0 {
		w.violate("M3", "in doubt, and no event says so")
	}
	w.closedRight()
}

// unknown is M5, and that there is a cause.
func (w *watch) unknown() {
	for _, other := range strangers {
		if errors.Is(w.call.err, other) {
			w.violate("M5", "an unknown outcome is also %v", other)
		}
	}
	var e *retry.Error
	if !errors.As(w.call.err, &e) || e.Doubt == nil {
		w.violate("M5", "an unknown outcome without a Doubt: %v", w.call.err)
		return
	}
	if e.Doubt.Blocked == nil {
		w.violate("M5", "nothing stands in Doubt.Blocked")
	}
	unsettled := slices.ContainsFunc(w.sends, func(s *send) bool { return !s.settled })
	switch {
	case w.late && !unsettled && !w.failing && !w.foreign:
		w.violate("timid", "unknown, and not busy, after another one's Begin")
	case w.ever && !w.doubt && w.absent && !w.failing && !w.beaten:
		w.violate("timid", "unknown, and looked up after a refusal")
	case len(w.sends) > 0 && !w.ever && w.unended && !w.lost && !w.beaten && !w.goneOn(journalTime):
		w.violate("M8", "unknown, as the journal could not be told that nothing happened")
	case w.other == retry.EntryNotApplied, w.held.State == retry.EntryNotApplied && w.differs(w.held):
		w.violate("timid", "unknown, and what the journal holds has not been applied")
	}
	now := w.call.w.now()
	tooOld := w.call.w.wild || w.settled && now-w.since > time.Hour-clocks
	looked := now - max(w.bound, w.call.start)
	if len(w.sends) > 0 {
		looked = now - w.quiet
	}
	switch {
	case w.failed || w.unbegun || w.unended || w.beaten || tooOld || w.ever && !w.doubt: // the last: it was looked up once more because of a refusal
	case !w.doubt && (w.failing || w.unread() || w.otherPrint()): // which M6 says
	case !w.doubt:
		w.violate("timid", "unknown without cause")
	case w.settled && w.first.began >= w.bound && !w.failing:
		w.violate("timid", "unknown after two Absents")
	case !w.hindered(e.Doubt.Blocked) && looked < w.call.w.giveUp-longestPause:
		w.violate("M5", "unknown after %v of looking: %v", looked, e.Doubt.Blocked)
	}
}

// longestPause is more than there is between two lookups, so near the end no
// other one may fit.
const longestPause = 13 * time.Second

// hindered reports whether more than time stood in the way of looking.
func (w *watch) hindered(blocked error) bool {
	return fatalWord(blocked) || w.call.plan.cancel > 0 || w.call.plan.cancels > 0 || w.call.plan.deadline > 0 || w.call.w.verify == missing ||
		errors.Is(blocked, breaker.ErrLockedOut) || errors.Is(blocked, breaker.ErrOpen)
}

// fatalWord reports whether err is an answer with a code that ends everything:
// nothing less ends the looking.
func fatalWord(err error) bool {
	code := classify.Nexpay().Classify(err).Code
	return code == "80" || code == "100"
}

func (w *watch) busy() {
	alone := !w.beaten && w.call.w.store.held[w.call.id].Generation <= w.gen
	for _, c := range w.call.w.calls {
		overlaps := c.at == 0 || c.at >= w.call.start
		alone = alone && (c == w.call || c.id != w.call.id || !overlaps)
	}
	switch {
	case alone:
		w.violate("timid", "busy, with nobody else there")
	case w.through:
		w.violate("M6", "the journal has it as applied, and the answer is %v", w.call.err)
	}
	if slices.ContainsFunc(w.sends, func(s *send) bool { return !s.settled }) {
		w.violate("M3", "busy, having sent what may have happened")
	}
}

// denied is an answer that says: it did not happen.
func (w *watch) denied() {
	if w.doubt && !w.settled {
		w.violate("M3", "in doubt, the answer is %v", w.call.err)
	}
	final := errors.Is(w.call.err, retry.ErrFatal) || errors.Is(w.call.err, retry.ErrFixAndResend) || errors.Is(w.call.err, retry.ErrResync)
	if w.ever && final && len(w.sends) > 0 && !w.absent {
		w.violate("M4", "denied after doubt, without a look: %v", w.call.err)
	}
	state := w.other
	if w.otherPrint() && !w.foreign {
		state = w.held.State
	}
	if state == retry.EntryOpen || state == retry.EntryApplied {
		w.violate("M6", "what the journal holds may be this, and the answer is %v", w.call.err)
	}
	if e, ok := errors.AsType[*retry.Error](w.call.err); ok && e.Effect != classify.NotApplied {
		w.violate("M2", "the effect is %v, the answer is %v", e.Effect, w.call.err)
	}
	if w.beaten && !w.foreign {
		w.violate("M6", "another one's Begin came first, the answer is %v", w.call.err)
	}
}
