package retry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// What happens in a call is told in the order in which it happens.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		r := newRetrier(t, retry.Config{
			Key: "main", Policies: steady(t, policy.Table{}),
			OnEvent: func(_ context.Context, e retry.Event) {
				line := fmt.Sprintf("%v: %s after %d in %v, %s, trace %s", e.Kind, e.Name, e.Attempts, e.Elapsed, e.Verdict.Code, e.TraceID)
				if e.Kind == retry.EventResend {
					line += fmt.Sprintf(", wait %v", e.Wait)
				}
				if e.Err != nil {
					line += fmt.Sprintf(": %v", e.Err.Reason)
				}
				told = append(told, line)
			},
		})
		fix := retry.Fix(func(context.Context, *classify.Error) (bool, error) { return true, nil })

		require.NoError(t, retry.Do(t.Context(), r, play().op), "first time lucky: nothing to tell")
		require.NoError(t, retry.Do(t.Context(), r, play(code(500, "-32603"), code(403, "50"), code(400, "30010")).op, retry.Named("a"), fix))
		require.Error(t, retry.Do(t.Context(), r, play(code(403, "100")).op, retry.Named("b")))
		require.Error(t, retry.Do(t.Context(), r, play().op, retry.Named("c")))

		var key string
		locked := newRetrier(t, retry.Config{Nonces: newLane(t), OnEvent: func(_ context.Context, e retry.Event) { key = e.Key }})
		locked.Lockout().Lock("lane", breaker.LockCause{})
		require.Error(t, retry.Do(t.Context(), locked, play().op))
		require.Equal(t, "lane", key, "the key in question, though no ticket was drawn")
		require.Equal(t, []string{
			"resend: a after 1 in 0s, -32603, trace 5f2c, wait 1s",
			"resend: a after 2 in 1s, 50, trace 5f2c, wait 0s",
			"resend: a after 3 in 1s, 30010, trace 5f2c, wait 0s",
			"recovered: a after 4 in 1s, 30010, trace 5f2c",
			"locked out: b after 1 in 0s, 100, trace 5f2c",
			"gave up: b after 1 in 0s, 100, trace 5f2c: " + retry.ErrFatal.Error(),
			"gave up: c after 0 in 0s, , trace 5f2c: " + retry.ErrLockedOut.Error(),
		}, told)
	})
}

// A panic in an observer harms nobody.
func TestObserverPanics(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	r := newRetrier(t, retry.Config{
		Policies: steady(t, policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: policy.None}}}),
		OnEvent:  func(context.Context, retry.Event) { panic("4711-SECRET") },
	})
	require.NoError(t, retry.Do(t.Context(), r, play(code(500, "-32603")).op))
	require.ErrorIs(t, retry.Do(t.Context(), r, play(code(403, "80")).op), retry.ErrFatal)
	require.Contains(t, log.String(), "retry: OnEvent", "and is not hidden either")
	require.NotContains(t, log.String(), "SECRET")
}

// One line per resend, one per give-up, with the trace id in it.
func TestLogEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := newRetrier(t, retry.Config{
			Policies: steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 2}}),
			OnEvent:  retry.LogEvents(slog.New(slog.NewJSONHandler(&log, nil))),
		})
		require.Error(t, retry.Do(t.Context(), r, always(code(500, "-32603")), retry.Named("balance")))
		lines := bytes.Split(bytes.TrimSpace(log.Bytes()), []byte("\n"))
		require.Len(t, lines, 2)
		var resend, gaveUp map[string]any
		require.NoError(t, json.Unmarshal(lines[0], &resend))
		require.NoError(t, json.Unmarshal(lines[1], &gaveUp))
		delete(resend, "time")
		require.Equal(t, map[string]any{
			"level": "WARN", "msg": "retry: resend", "name": "balance", "attempts": 1.0, "elapsed": 0.0, "took": 0.0,
			"class": "retryable", "rule": "Internal error", "code": "-32603", "status": 500.0, "trace": "5f2c",
			"effect": "unknown", "error": "HTTP 500: -32603 (trace 5f2c)", "wait": float64(time.Second),
		}, resend)
		require.Equal(t, "WARN", gaveUp["level"], "it may pass")
		require.Equal(t, "attempts", gaveUp["reason"])
		require.Equal(t, "retry: gave up", gaveUp["msg"])
		require.Equal(t, "5f2c", gaveUp["trace"])
		require.Equal(t, 2.0, gaveUp["attempts"])
		require.Contains(t, gaveUp["error"], "attempts used up")
	})
}

// What nobody can classify has a class and an effect all the same, and a refused
// call the one key that there is.
func TestLogEventsWithoutARule(t *testing.T) {
	var log bytes.Buffer
	r := newRetrier(t, retry.Config{Nonces: newLane(t), OnEvent: retry.LogEvents(slog.New(slog.NewTextHandler(&log, nil)))})
	require.Error(t, retry.Do(t.Context(), r, always(errors.New("?"))))
	require.Contains(t, log.String(), "attempts=1")
	require.Contains(t, log.String(), "class=unclassified effect=unknown")

	log.Reset()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, retry.Do(ctx, r, play().op))
	require.Contains(t, log.String(), "key=lane reason=canceled attempts=0")
	require.NotContains(t, log.String(), "class=")
}

// Nil logs to the default logger of the moment, and a level that is off costs
// no line.
func TestLogEventsDefaults(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	var log bytes.Buffer
	observe := retry.LogEvents(nil)
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	observe(t.Context(), retry.Event{Kind: retry.EventRecovered})
	require.Empty(t, log.String())
	observe(t.Context(), retry.Event{Kind: retry.EventLockedOut, Key: "main"})
	require.Contains(t, log.String(), `level=ERROR msg="retry: locked out" key=main`)
	slog.Warn("x", "event", retry.Event{Kind: retry.EventResend, TraceID: "5f2c"})
	require.Contains(t, log.String(), `event.kind=resend`)
	require.Contains(t, log.String(), `event.trace=5f2c`)
}

// The breaker's hook and the lockout's hook may use the Retrier.
func TestHooksMayCall(t *testing.T) {
	var r *retry.Retrier
	called := 0
	lockout := new(breaker.Lockout)
	lockout.Watch(func(breaker.LockoutChange) {
		called++
		require.ErrorIs(t, retry.Do(context.Background(), r, play().op), retry.ErrLockedOut)
	})
	b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1, OnStateChange: func(change breaker.StateChange) {
		if change.To != breaker.Open {
			return
		}
		called++
		require.ErrorIs(t, retry.Do(context.Background(), r, play().op), retry.ErrOpen)
	}})
	r = newRetrier(t, retry.Config{Lockout: lockout, Breaker: b})
	require.Error(t, retry.Do(t.Context(), r, always(code(500, "-32603"))))
	require.Equal(t, 1, called)
	b.Reset()
	require.Error(t, retry.Do(t.Context(), r, always(code(403, "40"))))
	require.Equal(t, 2, called)
}
