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
	retry.ErrRetryAfter, retry.ErrResync, retry.ErrNonce, retry.ErrApplied, retry.ErrBusy, nonce.ErrUnknownKey, nonce.ErrLeft,
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
	switch tooOld := w.settled && w.call.w.now()-w.since > time.Hour; {
	case w.failed || tooOld || w.ever && !w.doubt: // the last: it was looked up once more because of a refusal
	case !w.doubt:
		w.violate("timid", "unknown without cause")
	case w.settled && w.first.began >= w.bound:
		w.violate("timid", "unknown after two Absents")
	case !w.hindered(e.Doubt.Blocked) && w.call.w.now()-max(w.quiet, w.call.start) < w.call.w.giveUp-longestPause:
		w.violate("timid", "unknown after %v of looking", w.call.w.now()-max(w.quiet, w.call.start))
	}
}

// longestPause is more than there is between two lookups, so near the end no
// other one may fit.
const longestPause = 13 * time.Second

// hindered reports whether more than time stood in the way of looking.
func (w *watch) hindered(blocked error) bool {
	return classify.Nexpay().Classify(blocked).Class == classify.Fatal || w.call.plan.cancel > 0 || w.call.plan.cancels > 0 || w.call.plan.deadline > 0 || w.call.w.verify == missing ||
		errors.Is(blocked, breaker.ErrLockedOut) || errors.Is(blocked, breaker.ErrOpen)
}

func (w *watch) busy() {
	alone := !w.beaten && w.call.w.store.held[w.call.id].Generation <= w.gen
	for _, c := range w.call.w.calls {
		overlaps := c.at == 0 || c.at >= w.call.start
		alone = alone && (c == w.call || c.id != w.call.id || !overlaps)
	}
	if alone {
		w.violate("timid", "busy, with nobody else there")
	}
	if w.doubt && !w.settled && len(w.sends) > 0 {
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
	if w.beaten && !w.foreign {
		w.violate("M6", "another one's Begin came first, the answer is %v", w.call.err)
	}
}

// closedRight is M8: the journal has been told.
func (w *watch) closedRight() {
	open := w.made || w.held.State == retry.EntryOpen && !w.otherPrint()
	if !w.call.w.journal || !open || w.failed || w.beaten {
		return
	}
	want := retry.EntryNotApplied
	switch err := w.call.err; {
	case err == nil, errors.Is(err, retry.ErrApplied):
		want = retry.EntryApplied
	case errors.Is(err, retry.ErrOutcomeUnknown):
		want = retry.EntryOpen
	}
	if !slices.Equal(w.closed, []retry.EntryState{want}) {
		w.violate("M8", "the answer is %v, the journal was told %v", w.call.err, w.closed)
	}
}
