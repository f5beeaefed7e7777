package retry

import (
	"context"
	"log/slog"

	"github.com/nexpay-go/resilience/classify"
)

// LogCalls returns an observer for Config.OnCall that logs one line for each call when it
// ends, like an access log: its name, how it ended, how often it was sent, and how long it
// took. The level is that of the end, see [LogEvents]; a success is INFO.
//
// It does not log what the API answered, nor what happens during a call; [LogEvents] does.
// With both observers, a call that failed or was sent more than once has a line of each,
// with the same trace id and, for a payment, the same id. If you read the log only when
// there is trouble, LogEvents alone is enough.
//
// A nil logger means slog.Default() at the time of the call. If the level is disabled, the
// observer allocates nothing. It is safe for concurrent use.
func LogCalls(logger *slog.Logger) func(context.Context, Call) {
	return func(ctx context.Context, c Call) {
		level := level(c.Reason, c.Declined, c.Unsettled)
		if l := enabled(ctx, logger, level); l != nil {
			l.LogAttrs(ctx, level, "retry: call", c.attrs()...)
		}
	}
}

func (c *Call) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 20)
	attrs = texts(attrs, "name", c.Name, "endpoint", c.Endpoint, "method", c.Method, "host", c.Host,
		"key", c.Key, "id", c.ID, "reason", c.Reason)
	if c.Class != classify.Unclassified || c.Reason == endUnclassified.word() {
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

// LogValue returns the attributes that [LogCalls] logs.
func (c Call) LogValue() slog.Value { return slog.GroupValue(c.attrs()...) }
