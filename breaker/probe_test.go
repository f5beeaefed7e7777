package breaker_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

const timedOut = "probe did not report within 10s"

var (
	trip  = calls(1, breaker.Trip)
	probe = true
)

func TestProbing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cfg   breaker.Config
		steps []step
	}{
		{"open until the last nanosecond", breaker.Config{}, []step{
			{trip, breaker.Open},
			{waitOpen(-ns), breaker.Open},
			{refused("a call reported Trip", ns), breaker.Open},
			{wait(ns), breaker.HalfOpen},
		}},
		{"two probes and no more, both must succeed", breaker.Config{Probes: 2}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{take(probe, "a"), breaker.HalfOpen},
			{wait(time.Second), breaker.HalfOpen},
			{take(probe, "b"), breaker.HalfOpen},
			{refused("half-open, waiting for its probes to answer", 9*time.Second), breaker.HalfOpen},
			{done("a", breaker.Success), breaker.HalfOpen},
			{refused("half-open, waiting for its probes to answer", 10*time.Second), breaker.HalfOpen},
			{done("b", breaker.Success), breaker.Closed},
			{take(!probe, "c"), breaker.Closed},
		}},
		{"one after the other", breaker.Config{Probes: 3}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{calls(2, breaker.Success), breaker.HalfOpen},
			{calls(1, breaker.Success), breaker.Closed},
			{calls(5, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
			{refusedFor("6 failures in a row", 3*time.Second), breaker.Open},
		}},
		{"a failed probe opens again", breaker.Config{Probes: 2}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{calls(1, breaker.Success), breaker.HalfOpen},
			{calls(1, breaker.Failure), breaker.Open},
			{refusedFor("probe failed", 6*time.Second), breaker.Open},
			{waitOpen(0), breaker.HalfOpen},
			{calls(1, breaker.Success), breaker.HalfOpen}, // the earlier success counts no more
			{calls(1, breaker.Success), breaker.Closed},
		}},
		{"so does a verdict", breaker.Config{}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{calls(1, breaker.Trip), breaker.Open},
			{refusedFor("a call reported Trip", 6*time.Second), breaker.Open},
		}},
		{"an ignored probe gives its slot back", breaker.Config{Probes: 2}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{calls(1000, breaker.Ignored), breaker.HalfOpen},
			{take(probe, "a", "b"), breaker.HalfOpen},
			{refused("half-open, waiting for its probes to answer", 10*time.Second), breaker.HalfOpen},
			{done("a", 77), breaker.HalfOpen}, // unknown: ignored
			{take(probe, "c"), breaker.HalfOpen},
			{all(done("b", breaker.Success), done("c", breaker.Success)), breaker.Closed},
		}},
		{"only the first report counts", breaker.Config{Probes: 2}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{take(probe, "a"), breaker.HalfOpen},
			{all(done("a", breaker.Success), done("a", breaker.Success)), breaker.HalfOpen},
			{all(done("a", breaker.Failure), done("a", breaker.Trip)), breaker.HalfOpen},
			{calls(1, breaker.Success), breaker.Closed},
		}},
		{"in time by a nanosecond", breaker.Config{Probes: 1}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{take(probe, "a"), breaker.HalfOpen},
			{wait(10*time.Second - ns), breaker.HalfOpen},
			{refused("half-open, waiting for its probes to answer", ns), breaker.HalfOpen},
			{done("a", breaker.Success), breaker.Closed},
		}},
		{"late: the probe has failed", breaker.Config{Probes: 1}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{take(probe, "a"), breaker.HalfOpen},
			{wait(10 * time.Second), breaker.Open},
			{refusedFor(timedOut, 3*time.Second), breaker.Open},
			{done("a", breaker.Success), breaker.Open},
		}},
		{"late reports are noticed by themselves", breaker.Config{Probes: 1}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{all(take(probe, "a"), wait(10*time.Second), done("a", breaker.Success)), breaker.Open},
			{refusedFor(timedOut, 3*time.Second), breaker.Open},
		}},
		{"the one that hangs takes the others with it", breaker.Config{Probes: 2}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{all(take(probe, "a"), wait(5*time.Second), take(probe, "b")), breaker.HalfOpen},
			{all(wait(5*time.Second), done("b", breaker.Success)), breaker.Open},
			{refusedFor(timedOut, 3*time.Second), breaker.Open},
			{waitOpen(0), breaker.HalfOpen},
			{calls(2, breaker.Success), breaker.Closed},
		}},
		{"open from the instant it ran out, not from when somebody looked", breaker.Config{}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{all(take(probe, "a"), wait(11*time.Second)), breaker.Open},
			{func(s *subject) {
				e := s.refusal()
				require.GreaterOrEqual(s, e.RetryIn, time.Second)
				require.LessOrEqual(s, e.RetryIn, 2*time.Second) // half of MaxOpenFor, less the second
			}, breaker.Open},
		}},
		{"looked at so late that the open time is over as well", breaker.Config{Probes: 2}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{calls(1, breaker.Success), breaker.HalfOpen},
			{all(take(probe, "a"), wait(time.Hour), take(probe, "b", "c")), breaker.HalfOpen},
			{refused("half-open, waiting for its probes to answer", 10*time.Second), breaker.HalfOpen},
			{all(done("a", breaker.Failure), done("b", breaker.Success)), breaker.HalfOpen},
			{done("c", breaker.Success), breaker.Closed},
		}},
		{"again and again", breaker.Config{Probes: 2}, []step{
			{all(trip, waitOpen(0)), breaker.HalfOpen},
			{all(take(probe, "a"), wait(time.Hour), take(probe, "b"), wait(time.Hour), take(probe, "c")), breaker.HalfOpen},
			{all(wait(time.Hour), calls(2, breaker.Success)), breaker.Closed},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { run(t, tt.cfg, tt.steps) })
	}
}

func TestOpenTimeDoublesUpToItsBound(t *testing.T) {
	cfg := breaker.Config{OpenFor: time.Second, MaxOpenFor: 5 * time.Second, Probes: 1}
	for range 50 { // the times are drawn
		run(t, cfg, []step{
			{all(trip, refusedFor("a call reported Trip", time.Second), waitOpen(0)), breaker.HalfOpen},
			{all(calls(1, breaker.Failure), refusedFor("probe failed", 2*time.Second), waitOpen(0)), breaker.HalfOpen},
			{all(calls(1, breaker.Failure), refusedFor("probe failed", 4*time.Second), waitOpen(0)), breaker.HalfOpen},
			{all(calls(1, breaker.Failure), refusedFor("probe failed", 5*time.Second), waitOpen(0)), breaker.HalfOpen},
			{all(calls(1, breaker.Failure), refusedFor("probe failed", 5*time.Second), waitOpen(0)), breaker.HalfOpen},
			{calls(1, breaker.Success), breaker.Closed},
			{all(trip, refusedFor("a call reported Trip", time.Second)), breaker.Open},
		})
	}
}

// A server that answers late is looked at as often as one that fails at once: what a probe took counts towards the open
// time after it, for half of that at most, and not at all where the server has asked for a time.
func TestWhatAProbeTookCounts(t *testing.T) {
	const second = time.Second
	for _, tt := range []struct{ took, asked, least, most time.Duration }{
		{0, 0, 20 * second, 30 * second},
		{1, 0, 20*second - 1, 30*second - 1},
		{5 * second, 0, 15 * second, 25 * second},
		{12 * second, 0, 10 * second, 18 * second}, // more than half of what may be drawn
		{15 * second, 0, 10 * second, 15 * second},
		{time.Hour, 0, 10 * second, 15 * second},
		{15 * second, 25 * second, 25 * second, 30 * second},
		{5 * second, 40 * second, 40 * second, 40 * second},
	} {
		for range 50 { // the times are drawn
			run(t, breaker.Config{OpenFor: 15 * second, ProbeTimeout: 2 * time.Hour}, []step{
				{all(trip, waitOpen(0), take(probe, "a"), wait(tt.took)), breaker.HalfOpen},
				{func(s *subject) { s.leases["a"].DoneWith(breaker.Failure, breaker.Cause{RetryAfter: tt.asked}) }, breaker.Open},
				{refusedBetween("probe failed", tt.least, tt.most), breaker.Open},
			})
			if tt.asked == 0 { // nor is there a cause
				run(t, breaker.Config{OpenFor: 15 * second, ProbeTimeout: 2 * time.Hour}, []step{
					{all(trip, waitOpen(0), take(probe, "a"), wait(tt.took), done("a", breaker.Failure)), breaker.Open},
					{refusedBetween("probe failed", tt.least, tt.most), breaker.Open},
				})
			}
		}
	}
}

// The draw is spread: neither a constant nor a heap at the bound.
func TestOpenTimeIsSpread(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		cfg                  breaker.Config
		least, middle, limit time.Duration
	}{
		{"", breaker.Config{}, 2 * time.Second, 2500 * time.Millisecond, 3 * time.Second},
		{"at the bound", breaker.Config{OpenFor: 30 * time.Second, MaxOpenFor: 30 * time.Second}, 20 * time.Second, 25 * time.Second, 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSubject(t, tt.cfg)
				seen := map[time.Duration]bool{}
				below := 0
				for range 400 {
					trip(s)
					in := s.refusal().RetryIn
					require.GreaterOrEqual(t, in, tt.least)
					require.LessOrEqual(t, in, tt.limit)
					seen[in] = true
					if in < tt.middle {
						below++
					}
					s.b.Reset()
				}
				require.Greater(t, len(seen), 390)
				require.InDelta(t, 200, below, 100) // ten standard deviations
			})
		})
	}
}

// B1: whatever becomes of the holder of a probe, the breaker finds its way back.
func TestProbeHoldersEnd(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hold  func(*breaker.Lease) // in a goroutine of its own
		after breaker.State        // eleven seconds later
	}{
		{"hangs for a day", func(l *breaker.Lease) {
			time.Sleep(24 * time.Hour)
			l.Done(breaker.Success)
		}, breaker.Open},
		{"exits without a report", func(*breaker.Lease) { runtime.Goexit() }, breaker.Open},
		{"exits with a deferred report", func(l *breaker.Lease) {
			defer l.Done(breaker.Ignored)
			runtime.Goexit()
		}, breaker.HalfOpen},
		{"panics with a deferred report", func(l *breaker.Lease) {
			defer func() { _ = recover() }()
			defer l.Done(breaker.Failure)
			panic("operation")
		}, breaker.Open},
		{"panics without a report", func(*breaker.Lease) {
			defer func() { _ = recover() }()
			panic("operation")
		}, breaker.Open},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSubject(t, breaker.Config{OpenFor: 10 * time.Second})
				all(trip, waitOpen(0), take(probe, "a"))(s)
				go tt.hold(s.leases["a"])
				time.Sleep(11 * time.Second)
				require.Equal(t, tt.after.String(), s.b.State().String())
				time.Sleep(20 * time.Second) // the longest open time
				calls(1, breaker.Success)(s)
				require.Equal(t, breaker.Closed, s.b.State())
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				require.Equal(t, breaker.Closed, s.b.State(), "what comes in after a day changes nothing")
			})
		})
	}
}
