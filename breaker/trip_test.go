package breaker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

const ns = time.Nanosecond

func TestConsecutiveFailuresTrip(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cfg   breaker.Config
		steps []step
	}{
		{"the sixth in a row", breaker.Config{MinCalls: 1000}, []step{
			{calls(5, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
			{refusedFor("6 failures in a row", 3*time.Second), breaker.Open},
		}},
		{"a success in between starts anew", breaker.Config{MinCalls: 1000}, []step{
			{calls(5, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Success), breaker.Closed},
			{calls(5, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
		{"ignored and unknown outcomes change nothing", breaker.Config{MinCalls: 1000}, []step{
			{calls(5, breaker.Failure), breaker.Closed},
			{calls(100, breaker.Ignored), breaker.Closed},
			{calls(100, 0), breaker.Closed},
			{calls(100, 200), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
		{"sparse failures are not forgotten", breaker.Config{MinCalls: 1000}, []step{
			{sparse(5, time.Minute), breaker.Closed},
			{sparse(1, 24*time.Hour), breaker.Open},
			{refusedFor("6 failures in a row", 3*time.Second), breaker.Open},
		}},
		{"one is enough if asked for", breaker.Config{ConsecutiveFailures: 1}, []step{
			{calls(1, breaker.Failure), breaker.Open},
			{refusedFor("1 failure in a row", 3*time.Second), breaker.Open},
		}},
		{"off", breaker.Config{ConsecutiveFailures: -1, FailureRatio: -1}, []step{
			{calls(10_000, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Trip), breaker.Open},
			{refusedFor("a call reported Trip", 3*time.Second), breaker.Open},
		}},
		{"the verdict trips at once", breaker.Config{}, []step{
			{calls(100, breaker.Success), breaker.Closed},
			{calls(1, breaker.Trip), breaker.Open},
			{refusedFor("a call reported Trip", 3*time.Second), breaker.Open},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { run(t, tt.cfg, tt.steps) })
	}
}

// sparse makes failing calls that lie far apart.
func sparse(n int, apart time.Duration) func(*subject) {
	return func(s *subject) {
		for range n {
			time.Sleep(apart)
			calls(1, breaker.Failure)(s)
		}
	}
}

func TestFailureRatioTrips(t *testing.T) {
	ratio := breaker.Config{ConsecutiveFailures: -1}
	for _, tt := range []struct {
		name  string
		cfg   breaker.Config
		steps []step
	}{
		{"half of twenty, exactly", ratio, []step{
			{calls(10, breaker.Success), breaker.Closed},
			{calls(9, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
			{refusedFor("10 of 20 calls failed in 30s", 3*time.Second), breaker.Open},
		}},
		{"not before there are twenty calls", ratio, []step{
			{calls(19, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
			{refusedFor("20 of 20 calls failed in 30s", 3*time.Second), breaker.Open},
		}},
		{"one short of half", ratio, []step{
			{calls(11, breaker.Success), breaker.Closed},
			{calls(10, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
		{"looked at when a call fails, not when one succeeds", ratio, []step{
			{calls(19, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Success), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
		{"ignored calls are no calls", ratio, []step{
			{calls(19, breaker.Failure), breaker.Closed},
			{calls(50, breaker.Ignored), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
			{refusedFor("20 of 20 calls failed in 30s", 3*time.Second), breaker.Open},
		}},
		{"a ratio that is not exact in floating point", breaker.Config{
			ConsecutiveFailures: -1, FailureRatio: 0.07, MinCalls: 100,
		}, []step{
			{calls(93, breaker.Success), breaker.Closed},
			{calls(6, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
		{"every call", breaker.Config{ConsecutiveFailures: -1, FailureRatio: 1, MinCalls: 3, Window: time.Minute}, []step{
			{calls(1, breaker.Success), breaker.Closed},
			{calls(100, breaker.Failure), breaker.Closed},
			{wait(time.Minute), breaker.Closed},
			{calls(2, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
			{refusedFor("3 of 3 calls failed in 1m0s", 3*time.Second), breaker.Open},
		}},
		{"off", breaker.Config{FailureRatio: -1}, []step{
			{mixed(1200), breaker.Closed},
			{calls(6, breaker.Failure), breaker.Open},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { run(t, tt.cfg, tt.steps) })
	}
}

// mixed makes calls of which five in six fail, but never six in a row.
func mixed(n int) func(*subject) {
	return func(s *subject) {
		for range n / 6 {
			calls(5, breaker.Failure)(s)
			calls(1, breaker.Success)(s)
		}
	}
}

// The window moves in steps of a second here: what was counted in the first one is forgotten when the thirtieth is over.
func TestWindowForgets(t *testing.T) {
	cfg := breaker.Config{ConsecutiveFailures: -1}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"all of it counts up to the last nanosecond", []step{
			{calls(19, breaker.Failure), breaker.Closed},
			{wait(30*time.Second - ns), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
		{"and nothing of it after", []step{
			{calls(19, breaker.Failure), breaker.Closed},
			{wait(30 * time.Second), breaker.Closed},
			{calls(19, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
		{"the end of a step is the end of its calls", []step{
			{wait(time.Second - ns), breaker.Closed},
			{calls(10, breaker.Failure), breaker.Closed},
			{wait(ns), breaker.Closed},
			{calls(9, breaker.Failure), breaker.Closed}, // 19 in two steps
			{wait(29 * time.Second), breaker.Closed},    // the first step is over
			{calls(10, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
		{"successes are forgotten, too", []step{
			{calls(1000, breaker.Success), breaker.Closed},
			{wait(15 * time.Second), breaker.Closed},
			{calls(100, breaker.Failure), breaker.Closed},
			{wait(15*time.Second - ns), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Closed},
			{wait(ns), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
			{refusedFor("102 of 102 calls failed in 30s", 3*time.Second), breaker.Open},
		}},
		{"long silence", []step{
			{calls(19, breaker.Failure), breaker.Closed},
			{wait(400 * 24 * time.Hour), breaker.Closed},
			{calls(19, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { run(t, cfg, tt.steps) })
	}
}

// The short window goes round often. It counts on when the number of its laps
// no longer fits, and a bucket that has lain idle for half as many laps, or a
// quarter, is still an old one.
func TestWindowGoesRoundMillionsOfTimes(t *testing.T) {
	const lap = time.Millisecond / 30 * 30
	cfg := breaker.Config{ConsecutiveFailures: -1, Window: time.Millisecond}
	for _, laps := range []time.Duration{1 << 22, 1 << 23, 1<<24 + 1, 1<<25 + 1} {
		run(t, cfg, []step{
			{calls(19, breaker.Failure), breaker.Closed},
			{wait(laps * lap), breaker.Closed},
			{calls(19, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		})
	}
}

// A bucket counts to a million each. Beyond it nothing may spill over from one count into the other, and the share of
// failures stays what it is.
func TestWindowKeepsTheRatioOfCountlessCalls(t *testing.T) {
	cfg := breaker.Config{ConsecutiveFailures: -1, FailureRatio: 0.6}
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, cfg)
		for range 1_100_000 {
			for _, o := range []breaker.Outcome{breaker.Success, breaker.Failure} {
				l, err := b.Acquire()
				if err != nil {
					t.Fatal(err)
				}
				l.Done(o)
			}
		}
		failures := 0
		for ; b.State() == breaker.Closed; failures++ {
			l, _ := b.Acquire()
			l.Done(breaker.Failure)
		}
		// At 1.1 million each it would take 550,000 more; the counts may have been halved once.
		require.Greater(t, failures, 250_000)
		require.Less(t, failures, 551_000)
	})
}

// The share of failures is what it was: it takes no more of them than it would
// to get from 45 % to 46.
func TestWindowHalvesBothCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: -1, FailureRatio: 0.46})
		for range 100_000 {
			for n := range 20 {
				report(b, map[bool]breaker.Outcome{true: breaker.Success, false: breaker.Failure}[n < 11])
			}
		}
		require.Equal(t, breaker.Closed, b.State())
		failures := 0
		for ; b.State() == breaker.Closed; failures++ {
			report(b, breaker.Failure)
		}
		require.Greater(t, failures, 17_000)
		require.Less(t, failures, 38_000) // of 1.1 million successes
	})
}

// The same where one of the counts is far from full.
func TestWindowKeepsCountlessSuccesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Config{ConsecutiveFailures: -1, FailureRatio: 0.1})
		for range 1_100_000 {
			report(b, breaker.Success)
		}
		failures := 0
		for ; b.State() == breaker.Closed; failures++ {
			report(b, breaker.Failure)
		}
		// A ninth of 1.1 million, or of half of it.
		require.Greater(t, failures, 60_000)
		require.Less(t, failures, 123_000)
	})
}
