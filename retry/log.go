package retry

import (
	"context"
	"log/slog"

	"github.com/nexpay-go/resilience/classify"
)

// LogEvents returns an observer for Config.OnEvent that logs one line for each [Event]. A
// call that succeeds at once has none; use [LogCalls] for one line per call. The level says
// who must act:
//
//	INFO   nobody:   recovered, hedge, looked up, out of doubt,
//	                 gave up: success, canceled, inner, and any decline
//	WARN   it passes, or can wait:
//	                 resend, in doubt, warning, unknown code,
//	                 gave up: attempts, elapsed, deadline, budget, open, retry_after, applied, busy
//	ERROR  a person: locked out, journal failed,
//	                 gave up: fatal, fix_and_resend, unclassified, locked_out, resync, nonce,
//	                 outcome_unknown, nested, doubt, panic
//
// The words after "gave up" are reasons, see [Call].Reason. A fallback has the level of its
// reason. A call that succeeds, panics or returns the error of a nested call has no "gave
// up" of its own: these words are for LogCalls. Two rules precede the reason:
//
//   - A decline is INFO, see Call.Declined: the API refused the request by a rule of its
//     table or by its status, and the caller gets that answer.
//   - A call that may have taken effect and must be looked up before it is repeated is
//     ERROR, see Call.Unsettled, even if the caller canceled it.
//
// A line has the trace id if there is one, and no request data. The page docs/logs.md lists
// all lines and their fields. A nil logger means slog.Default() at the time of the event.
// The observer is safe for concurrent use.
func LogEvents(logger *slog.Logger) func(context.Context, Event) {
	return func(ctx context.Context, e Event) {
		level := e.level()
		if l := enabled(ctx, logger, level); l != nil {
			l.LogAttrs(ctx, level, "retry: "+e.Kind.String(), e.attrs()...)
		}
	}
}

// enabled returns logger, or the default one, if it logs lines of that level, and nil
// otherwise.
func enabled(ctx context.Context, logger *slog.Logger, level slog.Level) *slog.Logger {
	if logger == nil {
		logger = slog.Default()
	}
	if !logger.Enabled(ctx, level) {
		return nil
	}
	return logger
}

func (e *Event) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 20)
	attrs = texts(attrs, "name", e.Name, "endpoint", e.Endpoint, "method", e.Method, "host", e.Host,
		"key", e.Key, "id", e.ID, "protocol", e.Rule)
	if e.Kind == EventLookup || e.Kind == EventSettled {
		attrs = append(attrs, slog.String("outcome", e.Outcome.String()))
	}
	attrs = texts(attrs, "reason", e.Reason)
	if e.Kind != EventWarning { // which belongs to no attempt
		attrs = append(attrs, slog.Int("attempts", e.Attempts), slog.Duration("elapsed", e.Elapsed))
	}
	if e.Kind == EventResend || e.Kind == EventLookup {
		attrs = append(attrs, slog.Duration("took", e.Took))
	}
	failed := e.Attempts > 0 && e.Kind != EventJournal && e.Kind != EventWarning && (e.Error != "" || e.Verdict != (classify.Verdict{}))
	attrs = append(attrs, verdictAttrs(failed, e.Verdict, e.Effect, e.TraceID)...)
	if e.Kind == EventUnknownCode {
		attrs = append(attrs, slog.String("unknown_code", string(e.Unknown)))
	}
	if e.Kind == EventResend {
		attrs = append(attrs, slog.Duration("wait", e.Wait))
	}
	return texts(attrs, "error", e.Error)
}

// texts appends the pairs of name and text whose text is not empty.
func texts(attrs []slog.Attr, pairs ...string) []slog.Attr {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			attrs = append(attrs, slog.String(pairs[i], pairs[i+1]))
		}
	}
	return attrs
}

// LogValue returns the attributes that [LogEvents] logs.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(append([]slog.Attr{slog.String("kind", e.Kind.String())}, e.attrs()...)...)
}
