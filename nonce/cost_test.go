package nonce_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

func TestAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("counts hold without the race detector")
	}
	p, lanes := newPool(t, "a", "b")
	kept := (&memory{}).lane(t, nonce.LaneConfig{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	free := func(string) error { return nil }
	for name, enter := range map[string]func() (*nonce.Ticket, error){
		"Lane.Enter":       func() (*nonce.Ticket, error) { return lanes[0].Enter(ctx) },
		"Lane.EnterKey":    func() (*nonce.Ticket, error) { return lanes[0].EnterKey(ctx, "a") },
		"Lane.EnterUnless": func() (*nonce.Ticket, error) { return lanes[0].EnterUnless(ctx, free) },
		"with a file":      func() (*nonce.Ticket, error) { return kept.Enter(ctx) },
		"Pool.Enter":       func() (*nonce.Ticket, error) { return p.Enter(ctx) },
		"Pool.EnterKey":    func() (*nonce.Ticket, error) { return p.EnterKey(ctx, "a") },
		"Pool.EnterUnless": func() (*nonce.Ticket, error) { return p.EnterUnless(ctx, free) },
	} {
		t.Run(name, func(t *testing.T) {
			require.LessOrEqual(t, testing.AllocsPerRun(200, func() {
				ticket, _ := enter()
				ticket.Leave()
			}), 1.0, "the ticket")
		})
	}
	adaptive := newLane(t, nonce.LaneConfig{Adaptive: true}) // which measures every turn
	require.LessOrEqual(t, testing.AllocsPerRun(200, func() { enter(t, adaptive).Leave() }), 1.0)
	require.NoError(t, kept.Close())
	ticket := enter(t, lanes[0])
	require.LessOrEqual(t, testing.AllocsPerRun(200, func() { _, _ = ticket.Next(ctx) }), 1.0)

	soon, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	line := []nonce.Standing{nonce.Stand(lanes[1]), nonce.Stand(lanes[1]), nonce.Stand(lanes[1])}
	require.LessOrEqual(t, testing.AllocsPerRun(200, func() { // one more comes, and the first has its turn
		require.NoError(t, nonce.TooLate(soon, lanes[1]))
		next := nonce.Stand(lanes[1])
		line[0].Leave()
		copy(line, line[1:])
		line[len(line)-1] = next
	}), 3.0, "the place in the queue, its channel and the ticket: nothing for the estimate")
}

// What a waiter costs beyond the goroutine it is on, whose stack must not grow for it either.
//
// How large a new stack is the runtime gathers from the ones it has seen, here of everything else under test. The
// measuring is done in a process that starts them all with 2 KiB.
func TestWaiterMemory(t *testing.T) {
	if raceDetector {
		t.Skip("sizes hold without the race detector")
	}
	const fixedStacks = "adaptivestackstart=0"
	if os.Getenv("GODEBUG") != fixedStacks {
		exe, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestWaiterMemory$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG="+fixedStacks)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "bytes each")
		return
	}
	p, lanes := newPool(t, "main")
	free := func(string) error { return nil }
	for name, wait := range map[string]func(context.Context) (*nonce.Ticket, error){
		"Lane.Enter":       lanes[0].Enter,
		"Lane.EnterUnless": func(ctx context.Context) (*nonce.Ticket, error) { return lanes[0].EnterUnless(ctx, free) },
		"Pool.Enter":       p.Enter,
		"Pool.EnterUnless": func(ctx context.Context) (*nonce.Ticket, error) { return p.EnterUnless(ctx, free) },
	} {
		t.Run(name, func(t *testing.T) {
			heap, stack := costOfWaiting(t, lanes[0], wait)
			t.Logf("heap %d, stack %d bytes each", heap, stack)
			require.LessOrEqual(t, heap, 400)
			require.Less(t, stack, 2560, "2 KiB, and a few that fought for the mutex at their deepest")
		})
	}
}

// costOfWaiting returns the bytes that each of 10,000 waiters holds: on the heap, and as its goroutine's stack.
func costOfWaiting(t testing.TB, l *nonce.Lane, wait func(context.Context) (*nonce.Ticket, error)) (heap, stack int) {
	const n = 10_000
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f := func() {
		if ticket, err := wait(ctx); err == nil {
			ticket.Leave()
		}
	}
	for range 2 { // the first time round makes the goroutines' descriptors, which are reused
		first := enter(t, l)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.GC() // now the stacks of goroutines that ended are free, and what the first left in pools
		runtime.ReadMemStats(&before)
		for range n {
			go f()
		}
		for nonce.Load(l) <= n {
			runtime.Gosched()
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		heap = (int(after.HeapAlloc) - int(before.HeapAlloc)) / n
		stack = (int(after.StackInuse) - int(before.StackInuse)) / n
		first.Leave()
		for nonce.Load(l) > 0 {
			runtime.Gosched()
		}
	}
	return heap, stack
}

func BenchmarkLane(b *testing.B) {
	l := newLane(b, nonce.LaneConfig{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		ticket, err := l.Enter(ctx)
		if err != nil {
			b.Fatal(err)
		}
		ticket.Leave()
	}
}

func BenchmarkTicketNext(b *testing.B) {
	ticket := enter(b, newLane(b, nonce.LaneConfig{}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ticket.Next(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// Callers who queue: what a turn costs that is handed from one to the next.
func BenchmarkLaneContended(b *testing.B) {
	l := newLane(b, nonce.LaneConfig{})
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			ticket, err := l.Enter(context.Background())
			if err != nil {
				b.Error(err)
				return
			}
			ticket.Leave()
		}
	})
}

func BenchmarkLaneHighWater(b *testing.B) {
	l := newLane(b, nonce.LaneConfig{HighWater: filepath.Join(b.TempDir(), "mark")})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		ticket, err := l.Enter(ctx)
		if err != nil {
			b.Fatal(err)
		}
		ticket.Leave()
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPool has all lanes idle, all but one busy, all full but the turn that is taken and given back, or one key
// locked and the rest busy.
func BenchmarkPool(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		for _, state := range []string{"idle", "one free", "full", "one locked"} {
			b.Run(fmt.Sprintf("%s/%d", state, n), func(b *testing.B) {
				p := poolOf(b, n, nonce.LaneConfig{InFlight: 2})
				locked := func(string) error { return nil }
				held := map[string]int{"idle": 0, "one free": n - 1, "full": n, "one locked": n}[state]
				var one *nonce.Ticket
				for range held {
					one = enter(b, p)
				}
				if state == "one locked" { // and idle, so that it is asked for first
					one.Leave()
					err := lockError(one.Key())
					locked = func(key string) error {
						if key == one.Key() {
							return err
						}
						return nil
					}
				}
				b.ReportAllocs()
				for b.Loop() {
					ticket, err := p.EnterUnless(context.Background(), locked)
					if err != nil {
						b.Fatal(err)
					}
					ticket.Leave()
				}
			})
		}
	}
}

func BenchmarkPoolParallel(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := poolOf(b, n, nonce.LaneConfig{})
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ticket, err := p.Enter(context.Background())
					if err != nil {
						b.Error(err)
						return
					}
					ticket.Leave()
				}
			})
		})
	}
}

// BenchmarkPoolRefused is a call that every lane refuses.
func BenchmarkPoolRefused(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("locked/%d", n), func(b *testing.B) {
			p := poolOf(b, n, nonce.LaneConfig{})
			for b.Loop() {
				_, err := p.EnterUnless(context.Background(), func(key string) error { return lockError(key) })
				if err.Error() == "" {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("closed/%d", n), func(b *testing.B) {
			p := poolOf(b, n, nonce.LaneConfig{})
			for _, l := range nonce.Lanes(p) {
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				_, err := p.Enter(context.Background())
				if err.Error() == "" {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWaiter(b *testing.B) {
	l := newLane(b, nonce.LaneConfig{})
	heap, stack := 0, 0
	for b.Loop() {
		h, s := costOfWaiting(b, l, l.Enter)
		heap, stack = heap+h, stack+s
	}
	b.ReportMetric(float64(heap)/float64(b.N), "heap-B/waiter")
	b.ReportMetric(float64(stack)/float64(b.N), "stack-B/waiter")
}
