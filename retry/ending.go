package retry

import (
	"log/slog"
	"sync/atomic"

	"github.com/nexpay-go/resilience/classify"
)

// An ending is how a call ended: by success, by panic, or by its reason. It is an index
// into endingRows and the counters.
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

// An endingRow says what an ending is called, which reason it stands for, and how urgent it
// is.
type endingRow struct {
	word   string
	reason error // nil: the call has none
	level  slog.Level
}

var endingRows = [endings]endingRow{
	endSuccess:        {"success", nil, slog.LevelInfo},
	endPanic:          {"panic", nil, slog.LevelError},
	endInner:          {"inner", nil, slog.LevelInfo},
	endFatal:          {"fatal", ErrFatal, slog.LevelError},
	endFixAndResend:   {"fix_and_resend", ErrFixAndResend, slog.LevelError},
	endUnclassified:   {"unclassified", ErrUnclassified, slog.LevelError},
	endAttempts:       {"attempts", ErrAttempts, slog.LevelWarn},
	endElapsed:        {"elapsed", ErrElapsed, slog.LevelWarn},
	endDeadline:       {"deadline", ErrDeadline, slog.LevelWarn},
	endCanceled:       {"canceled", ErrCanceled, slog.LevelInfo},
	endBudget:         {"budget", ErrBudget, slog.LevelWarn},
	endOpen:           {"open", ErrOpen, slog.LevelWarn},
	endLockedOut:      {"locked_out", ErrLockedOut, slog.LevelError},
	endRetryAfter:     {"retry_after", ErrRetryAfter, slog.LevelWarn},
	endResync:         {"resync", ErrResync, slog.LevelError},
	endNonce:          {"nonce", ErrNonce, slog.LevelError},
	endOutcomeUnknown: {"outcome_unknown", ErrOutcomeUnknown, slog.LevelError},
	endApplied:        {"applied", ErrApplied, slog.LevelWarn},
	endBusy:           {"busy", ErrBusy, slog.LevelWarn},
	endNested:         {"nested", ErrNested, slog.LevelError},
	endDoubt:          {"doubt", ErrDoubt, slog.LevelError},
}

func (e ending) word() string { return endingRows[e].word }

// endingOf returns the ending for that reason.
func endingOf(reason error) ending {
	for e := endFatal; e < endings; e++ {
		if endingRows[e].reason == reason {
			return e
		}
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
			s.Ended[e.word()] = times
			s.Calls += times
		}
	}
	s.Successes = s.Ended[endSuccess.word()]
	s.Resends = resends
	s.Sends = max(s.Calls-unsent, 0) + resends
}

// outcome returns the outcome of a payment with that ending, in doubt or not.
func (e ending) outcome(doubt bool) Outcome {
	switch {
	case e == endSuccess || e == endApplied:
		return classify.Applied
	case doubt || e == endBusy || e == endOutcomeUnknown || e == endPanic:
		return classify.Undecided
	}
	return classify.Absent
}
