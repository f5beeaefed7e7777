package retry

import (
	"context"
	"log/slog"

	"github.com/nexpay-go/resilience/classify"
)

// LogCalls returns an observer for Config.OnCall that logs one line for each call, at its
// end, as an access log does: what it was, how it ended, how often it was sent, and how
// long it took. The level is that of its end, see [LogEvents]: INFO for a success.
//
// It does not say what the API answered: for that, and for what happens on the way, there
// is [LogEvents]. With both, the end of a call that failed or was sent more than once has
// a line of each, with the same trace id and, for a payment, the same id. Where the log is
// read only when there is trouble, LogEvents alone will do.
//
// Nil logs to slog.Default(), the one at the time. Where the level is off, nothing is
// allocated. The observer is safe for concurrent use.
func LogCalls(logger *slog.Logger) func(context.Context, Call) {
	return func(ctx context.Context, c Call) {
		l := logger
		if l == nil {
			l = slog.Default()
		}
		level := level(c.Reason, c.Declined, c.Unsettled)
		if !l.Enabled(ctx, level) {
			return
		}
		l.LogAttrs(ctx, level, "retry: call", c.attrs()...)
	}
}

func (c *Call) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 20)
	attrs = texts(attrs, "name", c.Name, "endpoint", c.Endpoint, "method", c.Method, "host", c.Host,
		"key", c.Key, "id", c.ID, "reason", c.Reason)
	if c.Class != classify.Unclassified || c.Reason == endingWords[endUnclassified] {
		attrs = append(attrs, slog.String("class", c.Class.String()))
	}
	attrs = texts(attrs, "rule", c.Rule)
	if c.Failed {
		attrs = append(attrs, slog.String("effect", c.Effect.String()))
	}
	attrs = append(attrs, slog.Int("attempts", c.Attempts), slog.Duration("took", c.Took),
		slog.Duration("waited", c.Waited), slog.Int("cost", c.Cost))
	if c.ID != "" {
		attrs = append(attrs, slog.String("outcome", c.Outcome.String()))
	}
	if c.Fallback {
		attrs = append(attrs, slog.Bool("fallback", true))
	}
	return texts(attrs, "trace", c.TraceID)
}

// LogValue makes slog.Any("call", c) as informative as [LogCalls].
func (c Call) LogValue() slog.Value { return slog.GroupValue(c.attrs()...) }
