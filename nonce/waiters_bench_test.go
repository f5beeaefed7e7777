package nonce_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

// What a turn costs a lane, and a caller who gives up in the middle of the queue, is the same however many wait. With
// callers on goroutines, it is what the runtime needs to wake one that has slept for long that grows.
func BenchmarkAmongWaiters(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprintf("lane/%d", n), func(b *testing.B) { benchmarkLane(b, n, false) })
		b.Run(fmt.Sprintf("lane, cancel/%d", n), func(b *testing.B) { benchmarkLane(b, n, true) })
		b.Run(fmt.Sprintf("turn/%d", n), func(b *testing.B) { benchmarkTurns(b, n) })
		b.Run(fmt.Sprintf("cancel/%d", n), func(b *testing.B) { benchmarkCancels(b, n) })
	}
}

// benchmarkLane has a lane with n in its queue, and no goroutine for any of them: one more comes and the first has its
// turn, or one in the middle gives up.
func benchmarkLane(b *testing.B, n int, cancel bool) {
	l := newLane(b, nonce.LaneConfig{})
	places := make([]nonce.Standing, n)
	for i := range places {
		places[i] = nonce.Stand(l)
	}
	random := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	first := 0
	for b.Loop() {
		if cancel {
			i := 1 + random.IntN(n-1) // not the first, whose turn it is
			places[i].GiveUp()
			places[i] = nonce.Stand(l)
			continue
		}
		next := nonce.Stand(l)
		places[first].Leave()
		places[first] = next
		first = (first + 1) % n
	}
}

// waiters has n callers wait behind a turn, each with a context of its own.
func waiters(b *testing.B, l *nonce.Lane, n int, wait func(context.Context)) (holder *nonce.Ticket, cancels []context.CancelFunc) {
	b.Helper()
	holder = enter(b, l)
	cancels = make([]context.CancelFunc, n)
	for i := range cancels {
		ctx, cancel := context.WithCancel(context.Background())
		cancels[i] = cancel
		go wait(ctx)
		for l.Stats().Waiting <= i {
			runtime.Gosched()
		}
	}
	return holder, cancels
}

// benchmarkTurns has the turn go round among n callers, who queue again once they have had it.
func benchmarkTurns(b *testing.B, n int) {
	l := newLane(b, nonce.LaneConfig{})
	var wg sync.WaitGroup
	wg.Add(n)
	done, turns := false, 0 // guarded by the turn
	finished := make(chan struct{})
	holder, cancels := waiters(b, l, n, func(ctx context.Context) {
		defer wg.Done()
		for {
			ticket, err := l.Enter(ctx)
			if err != nil {
				return
			}
			if turns++; turns == b.N {
				close(finished)
			}
			done = done || turns >= b.N
			over := done
			ticket.Leave()
			if over {
				return
			}
		}
	})
	b.ResetTimer()
	holder.Leave()
	<-finished
	b.StopTimer()
	for _, cancel := range cancels {
		cancel()
	}
	wg.Wait()
	require.Zero(b, nonce.Load(l))
}

// benchmarkCancels has one of n who wait give up, and another one come.
func benchmarkCancels(b *testing.B, n int) {
	l := newLane(b, nonce.LaneConfig{})
	gone := make(chan struct{})
	wait := func(ctx context.Context) {
		if ticket, err := l.Enter(ctx); err == nil {
			ticket.Leave()
		}
		gone <- struct{}{}
	}
	holder, cancels := waiters(b, l, n, wait)
	random := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		ctx, cancel := context.WithCancel(context.Background())
		i := random.IntN(n)
		cancels[i]()
		<-gone
		cancels[i] = cancel
		go wait(ctx)
	}
	holder.Leave()
	for _, cancel := range cancels {
		cancel()
		<-gone
	}
}
