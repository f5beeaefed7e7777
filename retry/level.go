package retry

import (
	"log/slog"
	"net/http"

	"github.com/nexpay-go/resilience/classify"
)

// level returns how urgent an event is, see [LogEvents].
func (e *Event) level() slog.Level {
	switch e.Kind {
	case EventRecovered, EventLookup, EventSettled, EventHedge:
		return slog.LevelInfo
	case EventResend, EventDoubt, EventWarning, EventUnknownCode:
		return slog.LevelWarn
	case EventGaveUp, EventFallback:
		return level(e.Reason, e.Err.declined(), e.Err.unsettled())
	}
	return slog.LevelError
}

// level returns how urgent the end of a call with that reason is.
func level(reason string, declined, unsettled bool) slog.Level {
	switch {
	case unsettled:
		return slog.LevelError
	case declined:
		return slog.LevelInfo
	}
	for _, row := range endingRows {
		if row.word == reason {
			return row.level
		}
	}
	return slog.LevelError
}

// declined reports whether the API refused the request by a rule of its table, or by its
// status: nothing happened, nothing is wrong with the key, and the caller can handle the
// answer. A code without a rule is not one, nor is a page that some other server sent.
func (e *Error) declined() bool {
	if e == nil || e.Reason != ErrFatal && e.Reason != ErrFixAndResend || e.Cause != nil || e.Effect != classify.NotApplied {
		return false
	}
	switch v := &e.Verdict; v.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return false
	default:
		told := ruled(v) || v.Effect == classify.NotApplied
		return told && v.Rule != "" && !v.Lockout && (v.Status != 0 || v.Code != "") && !answerIn(e.Last).HTML()
	}
}

// unsettled reports whether the call may have taken effect and must not be repeated before
// it has been looked up. ErrBusy does not count: the call that is in progress looks it up.
func (e *Error) unsettled() bool {
	return e != nil && !e.Repeatable() && e.Effect != classify.NotApplied && e.Reason != ErrBusy
}
