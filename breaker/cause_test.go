package breaker_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

var internalError = breaker.Cause{Status: 500, Code: "-32603", Reason: "Internal error", TraceID: "5f2c"}

// failed makes n calls that fail with c.
func failed(n int, o breaker.Outcome, c breaker.Cause) func(*subject) {
	return func(s *subject) {
		s.Helper()
		for range n {
			l, err := s.b.Acquire()
			require.NoError(s, err)
			l.DoneWith(o, c)
		}
	}
}

// Whatever opens the breaker, people learn which answer did, in the refusals and in the hook.
func TestWhatOpensItIsTold(t *testing.T) {
	toProbe := all(trip, waitOpen(0))
	other := breaker.Cause{Status: 502}
	for _, tt := range []struct {
		name string
		cfg  breaker.Config
		do   func(*subject)
		want string
	}{
		{"failures in a row", breaker.Config{},
			all(failed(5, breaker.Failure, other), failed(1, breaker.Failure, internalError)),
			"6 failures in a row, the last: HTTP 500 -32603 Internal error (trace 5f2c)"},
		{"the ratio", breaker.Config{ConsecutiveFailures: -1},
			all(calls(10, breaker.Success), failed(9, breaker.Failure, other), failed(1, breaker.Failure, internalError)),
			"10 of 20 calls failed in 30s, the last: HTTP 500 -32603 Internal error (trace 5f2c)"},
		{"a probe", breaker.Config{}, all(toProbe, failed(1, breaker.Failure, internalError)),
			"probe failed: HTTP 500 -32603 Internal error (trace 5f2c)"},
		{"a verdict", breaker.Config{}, failed(1, breaker.Trip, internalError), "-32603 Internal error (trace 5f2c)"},
		{"a verdict on a probe", breaker.Config{}, all(toProbe, failed(1, breaker.Trip, internalError)), "-32603 Internal error (trace 5f2c)"},
		{"a verdict by the status", breaker.Config{}, failed(1, breaker.Trip, other), "HTTP 502"},
		{"the last one tells nothing", breaker.Config{},
			all(failed(5, breaker.Failure, internalError), calls(1, breaker.Failure)), "6 failures in a row"},
		{"nothing to tell", breaker.Config{}, failed(6, breaker.Failure, breaker.Cause{}), "6 failures in a row"},
		{"nothing to tell of a probe", breaker.Config{}, all(toProbe, failed(1, breaker.Failure, breaker.Cause{})), "probe failed"},
		{"nothing to tell of a verdict", breaker.Config{}, failed(1, breaker.Trip, breaker.Cause{}), "a call reported Trip"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSubject(t, tt.cfg)
				tt.do(s)
				require.Equal(t, tt.want, s.refusal().Reason)
				require.Equal(t, tt.want, s.changes[len(s.changes)-1].Reason)
			})
		})
	}
}

func TestCauseInOneLine(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, tt := range []struct {
		cause breaker.Cause
		want  string
	}{
		{breaker.Cause{Status: 503, Reason: "HTTP 503"}, "HTTP 503"},
		{breaker.Cause{Status: 503, Code: "7", Reason: "HTTP 503"}, "HTTP 503 7"},
		{breaker.Cause{Reason: "connection not made"}, "connection not made"},
		{breaker.Cause{TraceID: "5f2c"}, "(trace 5f2c)"},
		{breaker.Cause{Reason: "a\nb\x00", TraceID: "\x1b[31mc\u202e"}, "ab (trace [31mc)"},
		{breaker.Cause{Status: 500, Reason: long, TraceID: long}, "HTTP 500 " + long[:256] + " (trace " + long[:256] + ")"},
	} {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: 1})
		l, err := b.Acquire()
		require.NoError(t, err)
		l.DoneWith(breaker.Failure, tt.cause)
		require.ErrorContains(t, b.Check(), "is open: 1 failure in a row, the last: "+tt.want+"; retry in")
	}
}

// A server that asks to be left alone is, whatever opens the breaker.
func TestStaysOpenForAsLongAsAsked(t *testing.T) {
	toProbe := all(trip, waitOpen(0))
	for _, tt := range []struct {
		name string
		cfg  breaker.Config
		do   func(breaker.Cause) func(*subject)
	}{
		{"failures in a row", breaker.Config{}, func(c breaker.Cause) func(*subject) { return failed(6, breaker.Failure, c) }},
		{"the ratio", breaker.Config{ConsecutiveFailures: -1}, func(c breaker.Cause) func(*subject) { return failed(20, breaker.Failure, c) }},
		{"a verdict", breaker.Config{}, func(c breaker.Cause) func(*subject) { return failed(1, breaker.Trip, c) }},
		{"a probe", breaker.Config{}, func(c breaker.Cause) func(*subject) { return all(toProbe, failed(1, breaker.Failure, c)) }},
		{"a verdict on a probe", breaker.Config{}, func(c breaker.Cause) func(*subject) { return all(toProbe, failed(1, breaker.Trip, c)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, b := range []struct{ asks, open time.Duration }{
				{10 * time.Minute, 10 * time.Minute},
				{time.Hour, time.Hour},
				{time.Hour + 1, time.Hour}, // nobody is kept off for years
				{1<<63 - 1, time.Hour},
			} {
				run(t, tt.cfg, []step{
					{tt.do(breaker.Cause{RetryAfter: b.asks}), breaker.Open},
					{func(s *subject) {
						require.Equal(s, b.open, s.refusal().RetryIn)
						require.Equal(s, b.open, s.changes[len(s.changes)-1].RetryIn)
					}, breaker.Open},
					{wait(b.open - ns), breaker.Open},
					{wait(ns), breaker.HalfOpen},
					{calls(2, breaker.Success), breaker.Closed},
				})
			}
		})
	}
}

// What is asked is the least, and does not shorten or narrow anything.
func TestAskedForLessThanTheOpenTime(t *testing.T) {
	for _, asks := range []time.Duration{-time.Hour, 0, 2 * time.Second, 2500 * time.Millisecond} {
		seen := map[time.Duration]bool{}
		for range 50 { // the times are drawn
			synctest.Test(t, func(t *testing.T) {
				s := newSubject(t, breaker.Config{})
				failed(1, breaker.Trip, breaker.Cause{RetryAfter: asks})(s)
				refusedFor("a call reported Trip", 3*time.Second)(s)
				require.GreaterOrEqual(t, s.refusal().RetryIn, asks)
				seen[s.refusal().RetryIn] = true
			})
		}
		require.Greater(t, len(seen), 45, "asked for %v", asks)
	}
}

// It counts for the one open time, from the one answer that opened it.
func TestAskedOnce(t *testing.T) {
	asking := breaker.Cause{RetryAfter: 10 * time.Minute}
	run(t, breaker.Config{}, []step{
		{all(failed(5, breaker.Failure, asking), calls(1, breaker.Failure)), breaker.Open},
		{refusedFor("6 failures in a row", 3*time.Second), breaker.Open},
		{all(waitOpen(0), failed(1, breaker.Failure, asking)), breaker.Open},
		{refused("probe failed", 10*time.Minute), breaker.Open},
		{all(waitOpen(0), take(probe, "a"), wait(10*time.Second)), breaker.Open},
		{refusedFor(timedOut, 3*time.Second), breaker.Open},
		{all(waitOpen(0), failed(2, breaker.Success, asking)), breaker.Closed},
		{failed(5, breaker.Ignored, asking), breaker.Closed},
	})
}

func TestDoneWithReportsOnce(t *testing.T) {
	run(t, breaker.Config{ConsecutiveFailures: 2}, []step{
		{take(!probe, "a"), breaker.Closed},
		{func(s *subject) { s.leases["a"].DoneWith(breaker.Failure, internalError) }, breaker.Closed},
		{all(done("a", breaker.Failure), done("a", breaker.Trip)), breaker.Closed},
		{func(s *subject) { s.leases["a"].DoneWith(breaker.Trip, internalError) }, breaker.Closed},
	})
	var none *breaker.Lease
	none.DoneWith(breaker.Trip, internalError)
	new(breaker.Lease).DoneWith(breaker.Trip, internalError)
}
