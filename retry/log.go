package retry

import (
	"context"
	"log/slog"

	"github.com/nexpay-go/resilience/classify"
)

// LogEvents returns an observer for Config.OnEvent that logs one line per
// resend (level Warn), per give-up (Error), per lockout of a key (Error) and per call that
// succeeded after resends (Info), per hedge (Info) and per call that ended with its Fallback (Warn); of a DoOnce operation also when it comes into doubt (Warn), each
// lookup and the end of the doubt (Info), and a journal that fails (Error); and the first sight of a code that no rule knows (Warn): each with the trace id where there is one. Nil logs to
// slog.Default(), the one at the time of the event.
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

func (e *Event) level() slog.Level {
	switch e.Kind {
	case EventRecovered, EventLookup, EventSettled, EventHedge:
		return slog.LevelInfo
	case EventResend, EventDoubt, EventFallback, EventWarning, EventUnknownCode:
		return slog.LevelWarn
	}
	return slog.LevelError
}

func (e *Event) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 16)
	if e.Name != "" {
		attrs = append(attrs, slog.String("name", e.Name))
	}
	if e.Key != "" {
		attrs = append(attrs, slog.String("key", e.Key))
	}
	if e.ID != "" {
		attrs = append(attrs, slog.String("id", e.ID))
	}
	if e.Rule != "" {
		attrs = append(attrs, slog.String("protocol", e.Rule))
	}
	if e.Kind == EventLookup || e.Kind == EventSettled {
		attrs = append(attrs, slog.String("outcome", e.Outcome.String()))
	}
	attrs = append(attrs, slog.Int("attempts", e.Attempts), slog.Duration("elapsed", e.Elapsed))
	failed := e.Attempts > 0 && e.Kind != EventJournal && e.Kind != EventWarning && (e.Error != "" || e.Verdict != (classify.Verdict{}))
	attrs = append(attrs, verdictAttrs(failed, e.Verdict, e.Effect, e.TraceID)...)
	if e.Kind == EventUnknownCode {
		attrs = append(attrs, slog.String("unknown_code", string(e.Unknown)))
	}
	if e.Kind == EventResend {
		attrs = append(attrs, slog.Duration("wait", e.Wait))
	}
	if e.Error != "" {
		attrs = append(attrs, slog.String("error", e.Error))
	}
	return attrs
}

// LogValue makes slog.Any("event", e) as informative as [LogEvents].
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(append([]slog.Attr{slog.String("kind", e.Kind.String())}, e.attrs()...)...)
}
