package breaker_test

import (
	"bytes"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// B3: the whole life of a breaker as its hook hears it, with the instants at which things happened.
func TestStateChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSubject(t, breaker.Config{Name: "bank"})
		start := time.Now()
		all(calls(6, breaker.Failure), waitOpen(time.Second))(s)
		first := s.changes[0].RetryIn
		all(take(probe, "a"), wait(time.Hour), calls(2, breaker.Success))(s)
		all(isolate("fire"), isolate("flood"), wait(time.Minute), reset, reset)(s)

		granted := start.Add(first + time.Second)
		end := granted.Add(time.Hour)
		second := s.changes[2].RetryIn
		require.GreaterOrEqual(t, first, 2*time.Second)
		require.LessOrEqual(t, first, 3*time.Second)
		require.GreaterOrEqual(t, second, 2*time.Second)
		require.LessOrEqual(t, second, 3*time.Second)
		const c, o, h = breaker.Closed, breaker.Open, breaker.HalfOpen
		want := []breaker.StateChange{
			{Name: "bank", From: c, To: o, At: start, Reason: "6 failures in a row", RetryIn: first},
			{Name: "bank", From: o, To: h, At: granted, Reason: "open time is over", Refused: 2},
			{Name: "bank", From: h, To: o, At: granted.Add(10 * time.Second), Reason: timedOut, RetryIn: second},
			{Name: "bank", From: o, To: h, At: end, Reason: "open time is over"},
			{Name: "bank", From: h, To: c, At: end, Reason: "1 probe succeeded"},
			{Name: "bank", From: c, To: o, At: end, Reason: "isolated: fire"},
			{Name: "bank", From: o, To: o, At: end, Reason: "isolated: flood"},
			{Name: "bank", From: o, To: c, At: end.Add(time.Minute), Reason: "reset"},
		}
		require.Len(t, s.changes, len(want))
		for i, c := range s.changes {
			require.True(t, want[i].At.Equal(c.At), "change %d: at %v, not %v", i, c.At, want[i].At)
			want[i].At = c.At // equal, but not by ==
			require.Equal(t, want[i], c, "change %d", i)
		}
	})
}

// A hook may call everything; what it changes is delivered after it.
func TestHookMayCallEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *breaker.Breaker
		var heard []string
		inside := false
		b = newBreaker(t, breaker.Config{OnStateChange: func(c breaker.StateChange) {
			require.False(t, inside, "one at a time")
			inside = true
			defer func() { inside = false }()
			heard = append(heard, c.From.String()+" to "+c.To.String())
			switch len(heard) {
			case 1:
				require.Equal(t, breaker.Open, b.State())
				require.ErrorIs(t, b.Check(), breaker.ErrOpen)
				_, err := b.Acquire()
				require.ErrorIs(t, err, breaker.ErrOpen)
				time.Sleep(12 * time.Second)
				require.Equal(t, breaker.HalfOpen, b.State())
				l, err := b.Acquire()
				require.NoError(t, err)
				l.Done(breaker.Failure)
				b.Isolate("")
				b.Reset()
			case 5:
				l, err := b.Acquire()
				require.NoError(t, err)
				l.Done(breaker.Trip)
			}
		}})
		l, err := b.Acquire()
		require.NoError(t, err)
		l.Done(breaker.Trip)
		require.Equal(t, []string{
			"closed to open", "open to half-open", "half-open to open", "open to open", "open to closed", "closed to open",
		}, heard)
	})
}

// A hook that panics or exits harms neither the breaker nor, if it only panics, the call.
func TestHookPanicsAndExits(t *testing.T) {
	for _, tt := range []struct {
		name     string
		end      func()
		returned bool
	}{
		{"panic", func() { panic("secret") }, true},
		{"goexit", runtime.Goexit, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			setDefault(t, slog.NewTextHandler(&log, nil))
			synctest.Test(t, func(t *testing.T) {
				heard := 0
				b := newBreaker(t, breaker.Config{Probes: 1, OnStateChange: func(breaker.StateChange) {
					heard++
					tt.end()
				}})
				for i, call := range []func(){
					func() { report(b, breaker.Trip) },
					func() { b.State() },
					func() { report(b, breaker.Failure) },
					func() { report(b, breaker.Success) }, // Acquire notices half-open first: an exit loses this probe
					b.Reset,
					func() { b.Isolate("") },
					b.Reset,
				} {
					returned := false
					done := make(chan struct{})
					go func() {
						defer close(done)
						call()
						returned = true
					}()
					<-done
					require.Equal(t, tt.returned, returned, "call %d", i)
					time.Sleep(time.Minute)
				}
				require.GreaterOrEqual(t, heard, 7)
				require.Equal(t, breaker.Closed, b.State())
			})
			require.NotContains(t, log.String(), "secret")
			if tt.returned {
				require.Contains(t, log.String(), "breaker.Config.OnStateChange")
				require.Contains(t, log.String(), "type=string")
			}
		})
	}
}

// report makes one call, if it is let through.
func report(b *breaker.Breaker, o breaker.Outcome) {
	if l, err := b.Acquire(); err == nil {
		l.Done(o)
	}
}

// A hook that takes its time holds up the caller it runs on, and nobody else.
func TestSlowHookHoldsUpOneCallerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := 0
		b := newBreaker(t, breaker.Config{OnStateChange: func(breaker.StateChange) {
			time.Sleep(time.Hour)
			heard++
		}})
		go b.Isolate("")
		synctest.Wait()
		start := time.Now()
		b.Reset()
		report(b, breaker.Success)
		require.Zero(t, time.Since(start))
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		require.Equal(t, 2, heard, "the first caller delivered both")
	})
}
