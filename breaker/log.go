package breaker

import (
	"context"
	"log/slog"
)

// LogChanges returns a function for Config.OnStateChange that logs one line per change:
// at WARN if the breaker opens or is isolated, otherwise at INFO. A nil logger means
// slog.Default() at the time of the change.
func LogChanges(logger *slog.Logger) func(StateChange) {
	return func(c StateChange) {
		attrs := make([]slog.Attr, 0, 6)
		if c.Name != "" {
			attrs = append(attrs, slog.String("name", c.Name))
		}
		attrs = append(attrs, slog.String("from", c.From.String()), slog.String("to", c.To.String()))
		if c.Reason != "" {
			attrs = append(attrs, slog.String("reason", c.Reason))
		}
		if c.RetryIn != 0 {
			attrs = append(attrs, slog.Duration("retry_in", c.RetryIn))
		}
		level := slog.LevelInfo
		if c.To == Open {
			level = slog.LevelWarn
		}
		log(logger, level, "breaker: state changed", append(attrs, slog.Uint64("refused", c.Refused)))
	}
}

// LogLockouts returns a function for [Lockout.Watch] that logs one line per change: at
// ERROR for a key that is locked, because a person has to act, and at INFO for a key that
// is unlocked. A nil logger means slog.Default() at the time of the change.
func LogLockouts(logger *slog.Logger) func(LockoutChange) {
	return func(c LockoutChange) {
		level, message := slog.LevelInfo, "breaker: key unlocked"
		if c.Locked {
			level, message = slog.LevelError, "breaker: key locked out"
		} else {
			c.Cause.Advice = "" // it has been done
		}
		attrs := make([]slog.Attr, 0, 6)
		for _, a := range []slog.Attr{
			slog.String("key", c.Key), slog.String("code", c.Cause.Code), slog.String("trace", c.Cause.TraceID), slog.String("reason", c.Cause.Reason),
			slog.String("action", c.Cause.Advice), slog.String("by", c.Cause.By),
		} {
			if a.Value.String() != "" {
				attrs = append(attrs, a)
			}
		}
		log(logger, level, message, attrs)
	}
}

func log(l *slog.Logger, level slog.Level, message string, attrs []slog.Attr) {
	if l == nil {
		l = slog.Default()
	}
	l.LogAttrs(context.Background(), level, message, attrs...)
}
