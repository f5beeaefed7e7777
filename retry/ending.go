package retry

import (
	"sync/atomic"

	"github.com/nexpay-go/resilience/classify"
)

// An ending is how a call ended: by success, by panic, or by its reason. It is an index
// into endingWords and the counters.
type ending uint8

const (
	endSuccess ending = iota
	endPanic
	endInner
	endFatal
	endFixAndResend
	endUnclassified
	endAttempts
	endElapsed
	endDeadline
	endCanceled
	endBudget
	endOpen
	endLockedOut
	endRetryAfter
	endResync
	endNonce
	endOutcomeUnknown
	endApplied
	endBusy
	endNested
	endDoubt
	endings
)

var endingWords = [endings]string{
	endSuccess: "success", endPanic: "panic", endInner: "inner",
	endFatal: "fatal", endFixAndResend: "fix_and_resend", endUnclassified: "unclassified",
	endAttempts: "attempts", endElapsed: "elapsed", endDeadline: "deadline", endCanceled: "canceled",
	endBudget: "budget", endOpen: "open", endLockedOut: "locked_out", endRetryAfter: "retry_after",
	endResync: "resync", endNonce: "nonce", endOutcomeUnknown: "outcome_unknown", endApplied: "applied",
	endBusy: "busy", endNested: "nested", endDoubt: "doubt",
}

// endingOf returns the ending for that reason.
func endingOf(reason error) ending {
	switch reason {
	case ErrFatal:
		return endFatal
	case ErrFixAndResend:
		return endFixAndResend
	case ErrUnclassified:
		return endUnclassified
	case ErrAttempts:
		return endAttempts
	case ErrElapsed:
		return endElapsed
	case ErrDeadline:
		return endDeadline
	case ErrCanceled:
		return endCanceled
	case ErrBudget:
		return endBudget
	case ErrOpen:
		return endOpen
	case ErrLockedOut:
		return endLockedOut
	case ErrRetryAfter:
		return endRetryAfter
	case ErrResync:
		return endResync
	case ErrNonce:
		return endNonce
	case ErrOutcomeUnknown:
		return endOutcomeUnknown
	case ErrApplied:
		return endApplied
	case ErrBusy:
		return endBusy
	case ErrNested:
		return endNested
	case ErrDoubt:
		return endDoubt
	}
	return endInner
}

// A counts holds the counters of a Retrier. A success with one send, the usual call,
// increments one of them only.
type counts struct {
	ended   [endings]atomic.Int64
	unsent  atomic.Int64 // calls that ended with nothing sent
	resends atomic.Int64
}

func (n *counts) add(e ending, sends int32) {
	n.ended[e].Add(1)
	switch {
	case sends > 1:
		n.resends.Add(int64(sends - 1))
	case sends == 0:
		n.unsent.Add(1)
	}
}

// fill fills in the fields of s about calls.
func (n *counts) fill(s *Stats) {
	unsent, resends := n.unsent.Load(), n.resends.Load()
	s.Ended = make(map[string]int64)
	for e := range endings {
		if times := n.ended[e].Load(); times > 0 {
			s.Ended[endingWords[e]] = times
			s.Calls += times
		}
	}
	s.Successes = s.Ended[endingWords[endSuccess]]
	s.Resends = resends
	s.Sends = max(s.Calls-unsent, 0) + resends
}

// outcome returns the outcome of a payment with that ending, in doubt or not.
func (e ending) outcome(doubt bool) Outcome {
	switch {
	case e == endSuccess || e == endApplied:
		return classify.Applied
	case doubt || e == endBusy || e == endOutcomeUnknown:
		return classify.Undecided
	}
	return classify.Absent
}
