package breaker_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// untimed is a logger into log that leaves out the time of the line.
func untimed(log *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "retry_in" {
			return slog.Attr{}
		}
		return a
	}}))
}

func TestLogChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		b, err := breaker.New(breaker.Config{Name: "bank", ConsecutiveFailures: 1, OnStateChange: breaker.LogChanges(untimed(&log))})
		require.NoError(t, err)
		l, err := b.Acquire()
		require.NoError(t, err)
		l.Done(breaker.Failure)
		require.Error(t, b.Check())
		time.Sleep(time.Minute)
		l, err = b.Acquire()
		require.NoError(t, err)
		l.Done(breaker.Success)
		b.Isolate("maintenance")
		require.Equal(t, `level=WARN msg="breaker: state changed" name=bank from=closed to=open reason="1 failure in a row" refused=0
level=INFO msg="breaker: state changed" name=bank from=open to=half-open reason="open time is over" refused=1
level=INFO msg="breaker: state changed" name=bank from=half-open to=closed reason="1 probe succeeded" refused=0
level=WARN msg="breaker: state changed" name=bank from=closed to=open reason="isolated: maintenance" refused=0
`, log.String())
	})
}

func TestLogLockouts(t *testing.T) {
	var log bytes.Buffer
	var l breaker.Lockout
	l.Watch(breaker.LogLockouts(untimed(&log)))
	l.Lock("main", breaker.LockCause{Code: "100", TraceID: "5f2c", Reason: "API key locked", Advice: "Have it unlocked.", By: "pod-7"})
	l.Unlock("main")
	require.Equal(t, `level=ERROR msg="breaker: key locked out" key=main code=100 trace=5f2c reason="API key locked" action="Have it unlocked." by=pod-7
level=INFO msg="breaker: key unlocked" key=main code=100 trace=5f2c reason="API key locked" by=pod-7
`, log.String())
}

// Without a logger it is the default one of the moment.
func TestLogDefaults(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	change, lock := breaker.LogChanges(nil), breaker.LogLockouts(nil)
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	change(breaker.StateChange{To: breaker.HalfOpen})
	lock(breaker.LockoutChange{Key: "main"})
	require.Empty(t, log.String())
	change(breaker.StateChange{To: breaker.Open, RetryIn: time.Second})
	lock(breaker.LockoutChange{Key: "main", Locked: true})
	for line := range bytes.Lines(log.Bytes()) {
		require.True(t, json.Valid(line))
	}
	require.Contains(t, log.String(), `"from":"closed","to":"open","retry_in":1000000000,"refused":0`)
	require.Contains(t, log.String(), `"level":"ERROR","msg":"breaker: key locked out","key":"main"`)
}
