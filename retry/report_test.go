package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

var secretly = func() *classify.Error {
	e := code(500, "-32603")
	e.Details[0].Message, e.Details[0].Data = "of the server", "of the request"
	return e
}()

// Whoever is refused by an open breaker learns which answer opened it, and the
// hook does; neither learns what else the answer says.
func TestRefusalTellsTheAnswerBehindIt(t *testing.T) {
	once := policy.Table{Default: policy.Policy{MaxAttempts: 1}}
	for _, tt := range []struct {
		name string
		cfg  breaker.Config
		err  error
		want string
	}{
		{"in a row", breaker.Config{ConsecutiveFailures: 2}, secretly, "2 failures in a row, the last: HTTP 500 -32603 Internal error (trace 5f2c)"},
		{"the ratio", breaker.Config{ConsecutiveFailures: -1, MinCalls: 2}, secretly,
			"2 of 2 calls failed in 30s, the last: HTTP 500 -32603 Internal error (trace 5f2c)"},
		{"no code", breaker.Config{ConsecutiveFailures: 2}, code(503), "2 failures in a row, the last: HTTP 503 (trace 5f2c)"},
		{"no answer", breaker.Config{ConsecutiveFailures: 2}, context.DeadlineExceeded, "2 failures in a row, the last: no answer in time"},
		{"suspended", breaker.Config{}, code(403, "140"), "140 REST API suspended (trace 5f2c)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var heard breaker.StateChange
				tt.cfg.OnStateChange = func(c breaker.StateChange) { heard = c }
				b := newBreaker(t, tt.cfg)
				r := newRetrier(t, retry.Config{Breaker: b, Policies: steady(t, once)})
				for b.State() == breaker.Closed {
					require.Error(t, retry.Do(t.Context(), r, always(tt.err)))
				}
				refused := retry.Do(t.Context(), r, play().op)
				require.ErrorContains(t, refused, "is open: "+tt.want+"; retry in")
				require.Equal(t, tt.want, heard.Reason)

				time.Sleep(12 * time.Second)
				require.Error(t, retry.Do(t.Context(), r, always(code(502))))
				refused = retry.Do(t.Context(), r, play().op)
				require.ErrorContains(t, refused, "is open: probe failed: HTTP 502 (trace 5f2c); retry in")
				require.Equal(t, "probe failed: HTTP 502 (trace 5f2c)", heard.Reason)
			})
		})
	}
}

// The refusals say when to come back, and so has the answer that opened the
// breaker: they agree.
func TestRefusalAgreesWithRetryAfter(t *testing.T) {
	asks := func(e *classify.Error, d time.Duration) error { e.RetryAfter = d; return e }
	for _, tt := range []struct {
		name string
		err  error
		want time.Duration
	}{
		{"suspended", asks(code(403, "140"), 10*time.Minute), 10 * time.Minute},
		{"unavailable", asks(code(503), 10*time.Minute), 10 * time.Minute},
		{"for years", asks(code(503), 20_000*time.Hour), time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, retry.Config{Breaker: newBreaker(t, breaker.Config{ConsecutiveFailures: 1, Probes: 1})})
				comeBack := func() time.Duration {
					open, ok := errors.AsType[*breaker.OpenError](retry.Do(t.Context(), r, play().op))
					require.True(t, ok)
					return open.RetryIn
				}
				for range 2 { // the second one is a probe
					require.Error(t, retry.Do(t.Context(), r, always(tt.err)))
					require.Equal(t, tt.want, comeBack())
					time.Sleep(tt.want - 1)
					require.Equal(t, time.Duration(1), comeBack())
					time.Sleep(time.Nanosecond)
				}
				require.NoError(t, retry.Do(t.Context(), r, play().op))
			})
		})
	}
}

// What an inner call gave up for opens the breaker of the outer one no less
// tellingly: it is the inner verdict that counts there, and so it is told.
func TestInnerCallTellsTheOuterBreaker(t *testing.T) {
	suspended := code(403, "140")
	suspended.RetryAfter = 10 * time.Minute
	own := classify.Func(func(error) classify.Verdict {
		return classify.Verdict{Class: classify.Retryable, Code: "7", Rule: "Busy", RetryAfter: 10 * time.Minute}
	})
	for _, tt := range []struct {
		name  string
		inner retry.Config
		err   error
		want  string
	}{
		{"of the same table", retry.Config{}, suspended, "140 REST API suspended (trace 5f2c)"},
		{"of a table of its own", retry.Config{Classifier: own}, errors.New("busy"), "1 failure in a row, the last: 7 Busy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1})
				outer, inner := newRetrier(t, retry.Config{Breaker: b}), newRetrier(t, tt.inner)
				require.Error(t, retry.Do(t.Context(), outer, nest(inner, 2, always(tt.err))))
				open, ok := errors.AsType[*breaker.OpenError](b.Check())
				require.True(t, ok)
				require.Equal(t, tt.want, open.Reason)
				require.Equal(t, 10*time.Minute, open.RetryIn)
			})
		})
	}
}
