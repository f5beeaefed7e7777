//go:build !race

package breaker_test

import (
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

func TestAllocations(t *testing.T) {
	b := newBreaker(t, breaker.Config{ConsecutiveFailures: -1, FailureRatio: 1, MinCalls: 100_000})
	report(b, breaker.Success) // so that the ratio never reaches 1
	open := newBreaker(t, breaker.Config{})
	report(open, breaker.Trip)
	var unlocked, locked breaker.Lockout
	locked.Lock("a", breaker.LockCause{Code: "100"})
	manyLocked, keys := lockedOut(10_000)
	n := 0
	slow := newBreaker(t, breaker.Config{SlowCall: time.Hour})
	lenient := newBreaker(t, breaker.Config{ReportOnly: true})
	report(lenient, breaker.Trip)
	var group breaker.Group
	group.Get("payments")
	for _, tt := range []struct {
		name string
		want float64
		f    func()
	}{
		{"success", 0, func() { call(b, breaker.Success) }},
		{"failure", 0, func() { call(b, breaker.Failure) }},
		{"failure with a cause", 0, func() { callWith(b, breaker.Failure) }},
		{"ignored", 0, func() { call(b, breaker.Ignored) }},
		{"state", 0, func() { b.State() }},
		{"check", 0, func() { _ = b.Check() }},
		{"refused, each millisecond anew", 0, func() { call(open, breaker.Success) }},
		{"slow calls looked for", 0, func() { call(slow, breaker.Success) }},
		{"refused for the record", 0, func() { call(lenient, breaker.Success) }},
		{"of a group", 0, func() { call(group.Get("payments"), breaker.Success) }},
		{"open, state", 0, func() { open.State() }},
		{"nothing locked", 0, func() { _ = unlocked.Check("a") }},
		{"another key locked", 0, func() { _ = locked.Check("b") }},
		{"locked", 1, func() { errSink = locked.Check("a") }},
		{"another key locked, and thousands more", 0, func() { _ = manyLocked.Check("b") }},
		{"unlocked and locked, of thousands", 1, func() {
			key := keys[n%len(keys)]
			n++
			manyLocked.Unlock(key)
			manyLocked.Lock(key, breaker.LockCause{Code: "100"})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, testing.AllocsPerRun(1000, tt.f)) })
	}
}

// call is how a caller uses a lease, with the room for it on its own stack.
func call(b *breaker.Breaker, o breaker.Outcome) {
	lease, err := b.Acquire()
	if err != nil {
		return
	}
	defer lease.Done(breaker.Ignored)
	lease.Done(o)
}

func callWith(b *breaker.Breaker, o breaker.Outcome) {
	if lease, err := b.Acquire(); err == nil {
		lease.DoneWith(o, breaker.Cause{Status: 500, Code: "-32603", Reason: "Internal error", TraceID: "5f2c", RetryAfter: 1})
	}
}

// Very many goroutines may wait between their calls, each with the stack its last call has left it. A goroutine begins
// with 2 KiB, of which some 1040 bytes can be used here: a failing call must do with 400 of them (it needs about 330).
func TestStackDepth(t *testing.T) {
	const goroutines = 2000
	b := newBreaker(t, breaker.Config{ConsecutiveFailures: -1, FailureRatio: 1, MinCalls: 100_000})
	report(b, breaker.Success)
	var ran, all sync.WaitGroup
	release := make(chan struct{})
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would shrink them again
	before := stackBytes()
	ran.Add(goroutines)
	for range goroutines {
		all.Go(func() {
			deepCall(b)
			ran.Done()
			<-release
		})
	}
	ran.Wait()
	each := (stackBytes() - before) / goroutines
	close(release)
	all.Wait()
	require.Less(t, each, uint64(3000), "bytes of stack for a goroutine: it has grown to 4 KiB")
}

// deepCall makes a failing call with 640 bytes of stack in use already.
//
//go:noinline
func deepCall(b *breaker.Breaker) (sum byte) {
	var used [640]byte
	fill(&used)
	if err := b.Check(); err == nil {
		if lease, err := b.Acquire(); err == nil {
			lease.Done(breaker.Failure)
		}
	}
	for i := range used { // by index: a range over its values would copy it
		sum += used[i]
	}
	return sum
}

//go:noinline
func fill(used *[640]byte) {
	for i := range used {
		used[i] = byte(i)
	}
}

func stackBytes() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
