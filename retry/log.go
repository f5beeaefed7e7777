package retry

import (
	"context"
	"log/slog"

	"github.com/nexpay-go/resilience/classify"
)

// LogEvents returns an observer for Config.OnEvent that logs trouble as it happens, a
// line for each [Event]. A call that succeeds at once has none; [LogCalls] has one line
// for every call. The level says who has to act:
//
//	INFO   nobody:   recovered, hedge, looked up, out of doubt,
//	                 gave up: success, canceled, inner, and whatever is a decline
//	WARN   it passes, or can wait:
//	                 resend, in doubt, warning, unknown code,
//	                 gave up: attempts, elapsed, deadline, budget, open, retry_after, applied, busy
//	ERROR  a person: locked out, journal failed,
//	                 gave up: fatal, fix_and_resend, unclassified, locked_out, resync, nonce,
//	                 outcome_unknown, nested, doubt, panic
//
// What follows "gave up" are the reasons, in the words of [Call]; a fallback has the
// level of its reason. Two things count before the reason:
//
//   - a decline, see Call.Declined, is INFO: the API has refused the request as its table
//     says, and the caller is told;
//   - what may have taken effect and must not be made again unseen, see Call.Unsettled, is
//     ERROR, also where the caller canceled.
//
// A line has the trace id where there is one, and no request data. The page docs/logs.md
// lists all lines and their fields. Nil logs to slog.Default(), the one at the time of the
// event. The observer is safe for concurrent use.
func LogEvents(logger *slog.Logger) func(context.Context, Event) {
	return func(ctx context.Context, e Event) {
		l := logger
		if l == nil {
			l = slog.Default()
		}
		level := e.level()
		if !l.Enabled(ctx, level) {
			return
		}
		l.LogAttrs(ctx, level, "retry: "+e.Kind.String(), e.attrs()...)
	}
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

// texts appends those of the texts that are not empty, each after its name.
func texts(attrs []slog.Attr, pairs ...string) []slog.Attr {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			attrs = append(attrs, slog.String(pairs[i], pairs[i+1]))
		}
	}
	return attrs
}

// LogValue makes slog.Any("event", e) as informative as [LogEvents].
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(append([]slog.Attr{slog.String("kind", e.Kind.String())}, e.attrs()...)...)
}
