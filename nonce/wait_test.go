package nonce_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

// queueUp has n callers wait on s one after the other, and leaves them there.
func queueUp(s nonce.Source, n int) []*caller {
	callers := make([]*caller, n)
	for i := range callers {
		callers[i] = arrive(s.Enter)
		synctest.Wait()
	}
	return callers
}

// serve leaves t and then every turn that follows from it, and returns who got one, in order.
func serve(t *testing.T, ticket *nonce.Ticket, callers []*caller) (order []int, nonces []uint64) {
	t.Helper()
	seen := make([]bool, len(callers))
	for ticket != nil {
		nonces = append(nonces, ticket.Nonce())
		ticket.Leave()
		synctest.Wait()
		ticket = nil
		for i, c := range callers {
			if !seen[i] && !c.waits() {
				seen[i] = true
				if c.err == nil {
					require.Nil(t, ticket, "two turns at once")
					ticket = c.ticket
					order = append(order, i)
				}
			}
		}
	}
	return order, nonces
}

func TestArrivalOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{})
		first := enter(t, l)
		order, nonces := serve(t, first, queueUp(l, 20))
		require.Equal(t, upTo(20), order)
		requireRising(t, nonces)
	})
}

func TestNobodyOvertakesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{})
		first := enter(t, l)
		waiting := arrive(l.Enter)
		synctest.Wait()
		first.Leave()
		late := arrive(l.Enter) // whichever of the two goroutines runs first
		synctest.Wait()
		require.True(t, late.waits())
		require.NotNil(t, waiting.ticket)
		waiting.ticket.Leave()
		synctest.Wait()
		require.Greater(t, late.ticket.Nonce(), waiting.ticket.Nonce())
	})
}

func TestTenThousandWaiters(t *testing.T) {
	const n = 10_000
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{})
		first := enter(t, l)
		var order []int // guarded by the turn
		var nonces []uint64
		for i := range n {
			go func() {
				ticket, err := l.Enter(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				defer ticket.Leave()
				order = append(order, i)
				nonces = append(nonces, ticket.Nonce())
			}()
			synctest.Wait()
		}
		require.Equal(t, n+1, nonce.Load(l))
		first.Leave()
		synctest.Wait()
		require.Equal(t, upTo(n), order, "woken in the order of coming")
		requireRising(t, nonces)
		require.Equal(t, first.Nonce()+n, l.Last(), "one nonce each: the clock stood")
		require.Zero(t, nonce.Load(l))
	})
}

func TestCancelledWaiterLeavesNoTrace(t *testing.T) {
	for _, test := range []struct {
		name   string
		cancel []int
		want   []int
	}{
		{"first", []int{0}, []int{1, 2, 3, 4}},
		{"middle", []int{2}, []int{0, 1, 3, 4}},
		{"last", []int{4}, []int{0, 1, 2, 3}},
		{"neighbours", []int{2, 1, 3}, []int{0, 4}},
		{"all", []int{3, 0, 4, 1, 2}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLane(t, nonce.LaneConfig{})
				first := enter(t, l)
				callers := queueUp(l, 5)
				for i, k := range test.cancel {
					callers[k].cancel(nil)
					synctest.Wait()
					require.ErrorIs(t, callers[k].err, context.Canceled)
					require.Nil(t, callers[k].ticket)
					require.Equal(t, 5-i, nonce.Load(l))
				}
				require.Equal(t, first.Nonce(), l.Last(), "no nonce went to waste")
				order, nonces := serve(t, first, callers)
				require.Equal(t, test.want, order)
				requireRising(t, nonces)
				enter(t, l).Leave()
				require.Zero(t, nonce.Load(l))
			})
		})
	}
}

// Turn and cancellation reach the waiter together: the cancellation counts, and the turn goes to the next.
func TestCancellationRacesWithTheTurn(t *testing.T) {
	for name, race := range map[string]func(*nonce.Ticket, *caller){
		"turn, then cancellation": func(t *nonce.Ticket, c *caller) { t.Leave(); c.cancel(nil) },
		"cancellation, then turn": func(t *nonce.Ticket, c *caller) { c.cancel(nil); t.Leave() },
	} {
		t.Run(name, func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that the waiter runs when both are there
			synctest.Test(t, func(t *testing.T) {
				for range 100 {
					l := newLane(t, nonce.LaneConfig{})
					first := enter(t, l)
					callers := queueUp(l, 2)
					race(first, callers[0])
					synctest.Wait()
					if callers[0].err == nil { // preempted in between: it had its turn before the cancellation
						callers[0].ticket.Leave()
						synctest.Wait()
					} else {
						require.ErrorIs(t, callers[0].err, context.Canceled)
						require.Nil(t, callers[0].ticket)
					}
					require.NotNil(t, callers[1].ticket, "the turn is lost")
					callers[1].ticket.Leave()
					require.Zero(t, nonce.Load(l))
				}
			})
		})
	}
}

// Here they do so for certain: when the waiter wakes to its turn, its context is over.
func TestWaiterWakesWithContextOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{})
		first := enter(t, l)
		var over atomic.Bool
		late := &caller{done: make(chan struct{})}
		go func() {
			defer close(late.done)
			late.ticket, late.err = l.Enter(errContext{t.Context(), func() error {
				if over.Load() {
					return context.Canceled
				}
				return nil
			}})
		}()
		synctest.Wait()
		next := arrive(l.Enter)
		synctest.Wait()
		over.Store(true)
		first.Leave()
		synctest.Wait()
		require.ErrorIs(t, late.err, context.Canceled)
		require.Nil(t, late.ticket)
		require.NotNil(t, next.ticket)
		require.Equal(t, 1, nonce.Load(l))
		next.ticket.Leave()
	})
}

// errContext is a context whose Err the test decides on.
type errContext struct {
	context.Context
	err func() error
}

func (c errContext) Err() error { return c.err() }

// The same on many processors, without virtual time: every turn is used or passed on, and in the end the lane is free.
func TestCancellationStorm(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{InFlight: 2})
	done := make(chan int)
	const callers, rounds = 16, 300
	for i := range callers {
		go func() {
			turns := 0
			defer func() { done <- turns }()
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range rounds {
				ctx, cancel := context.WithCancel(context.Background())
				go func(yields int) {
					for range yields {
						runtime.Gosched()
					}
					cancel()
				}(random.IntN(20))
				ticket, err := l.Enter(ctx)
				if err == nil {
					turns++
					runtime.Gosched()
					ticket.Leave()
				} else if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				<-ctx.Done()
			}
		}()
	}
	turns := 0
	for range callers {
		turns += <-done
	}
	require.Positive(t, turns)
	require.Less(t, turns, callers*rounds, "the test should cancel somebody")
	require.Zero(t, nonce.Load(l))
	enter(t, l)
	enter(t, l)
}

func TestContextAlreadyOver(t *testing.T) {
	l := newLane(t, nonce.LaneConfig{})
	p, err := nonce.NewPool(l)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	never := func(string) error { t.Error("locked was asked"); return nil }
	for name, enter := range map[string]func() (*nonce.Ticket, error){
		"Lane.Enter":       func() (*nonce.Ticket, error) { return l.Enter(ctx) },
		"Lane.EnterKey":    func() (*nonce.Ticket, error) { return l.EnterKey(ctx, "main") },
		"Lane.EnterUnless": func() (*nonce.Ticket, error) { return l.EnterUnless(ctx, never) },
		"Pool.Enter":       func() (*nonce.Ticket, error) { return p.Enter(ctx) },
		"Pool.EnterKey":    func() (*nonce.Ticket, error) { return p.EnterKey(ctx, "main") },
		"Pool.EnterUnless": func() (*nonce.Ticket, error) { return p.EnterUnless(ctx, never) },
	} {
		t.Run(name, func(t *testing.T) {
			ticket, err := enter()
			require.Nil(t, ticket)
			require.ErrorIs(t, err, context.Canceled)
			require.Zero(t, l.Last(), "though the lane is free")
			require.Zero(t, nonce.Load(l))
		})
	}
}

func TestWhyTheWaitEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{})
		first := enter(t, l)
		start := time.Now()
		_, err := enterWithin(l, 3*time.Second)
		require.Equal(t, 3*time.Second, time.Since(start))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.EqualError(t, err, `nonce: no turn on key "main": context deadline exceeded`)

		cause := errors.New("https://example.com/?token=secret: refused")
		c := arrive(l.Enter)
		c.cancel(cause)
		synctest.Wait()
		require.ErrorIs(t, c.err, context.Canceled)
		require.ErrorIs(t, c.err, cause)
		require.EqualError(t, c.err, `nonce: no turn on key "main": context canceled`, "a cause may be some other request's failure, URL and all")
		first.Leave()
	})
}

func TestHolderPanicsOrExits(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("boom") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLane(t, nonce.LaneConfig{})
				entered := make(chan struct{})
				go func() {
					defer func() { _ = recover() }()
					ticket := enter(t, l)
					defer ticket.Leave()
					close(entered)
					time.Sleep(time.Second)
					end()
				}()
				<-entered
				ticket := enter(t, l)
				require.NotNil(t, ticket)
				ticket.Leave()
				require.Zero(t, nonce.Load(l))
			})
		})
	}
}

func TestLaneLockedBeforeAndWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{})
		locks := &locks{}
		unlessLocked := func(ctx context.Context) (*nonce.Ticket, error) { return l.EnterUnless(ctx, locks.check) }

		first, err := unlessLocked(t.Context())
		require.NoError(t, err)
		waiting := []*caller{arrive(unlessLocked), arrive(unlessLocked), arrive(unlessLocked)}
		synctest.Wait()

		locks.lock("main")
		start := time.Now()
		_, err = unlessLocked(t.Context())
		requireLocked(t, err, "main")
		require.Zero(t, time.Since(start), "returned at once, though the lane is busy")
		require.True(t, waiting[0].waits())

		first.Leave()
		synctest.Wait()
		for _, c := range waiting {
			require.Nil(t, c.ticket, "nobody gets a turn on a key that was locked while they waited")
			requireLocked(t, c.err, "main")
		}
		require.Zero(t, nonce.Load(l))

		locks.unlock("main")
		ticket, err := unlessLocked(t.Context())
		require.NoError(t, err)
		ticket.Leave()
		ticket, err = l.EnterUnless(t.Context(), nil)
		require.NoError(t, err)
		ticket.Leave()
	})
}

// locked is the caller's code: it may use the lane, and if it panics, the turn is not lost.
func TestLockedIsCalledUnderNoLock(t *testing.T) {
	p, lanes := newPool(t, "main")
	for name, s := range map[string]optional{"lane": lanes[0], "pool": p} {
		t.Run(name, func(t *testing.T) {
			ticket, err := s.EnterUnless(t.Context(), func(string) error {
				lanes[0].Last()
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				_, err := lanes[0].Enter(ctx)
				require.ErrorIs(t, err, context.Canceled)
				return nil
			})
			require.NoError(t, err)
			ticket.Leave()

			for panicAt := 1; panicAt <= 2; panicAt++ {
				calls := 0
				require.PanicsWithValue(t, "boom", func() {
					_, _ = s.EnterUnless(t.Context(), func(string) error {
						if calls++; calls == panicAt {
							panic("boom")
						}
						return nil
					})
				})
				require.Zero(t, nonce.Load(lanes[0]))
				enter(t, lanes[0]).Leave()
			}
		})
	}
}

// locks is a table of locked keys, as an engine would have one.
type locks struct{ keys []string }

type lockError string

func (e lockError) Error() string { return fmt.Sprintf("code 100 on %s", string(e)) }

func (l *locks) lock(key string) { l.keys = append(l.keys, key) }
func (l *locks) unlock(key string) {
	l.keys = slices.DeleteFunc(l.keys, func(k string) bool { return k == key })
}

func (l *locks) check(key string) error {
	if slices.Contains(l.keys, key) {
		return lockError(key)
	}
	return nil
}

// requireLocked wants err to wrap what locks.check says of each key.
func requireLocked(t *testing.T, err error, keys ...string) {
	t.Helper()
	require.Error(t, err)
	all, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	require.Len(t, all.Unwrap(), len(keys))
	for i, key := range keys {
		require.ErrorIs(t, err, lockError(key))
		require.ErrorContains(t, all.Unwrap()[i], fmt.Sprintf("key %q is locked: code 100 on %s", key, key))
		require.ErrorContains(t, err, fmt.Sprintf("key %q is locked: code 100 on %s", key, key))
	}
}

func enterWithin(s nonce.Source, d time.Duration) (*nonce.Ticket, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return s.Enter(ctx)
}

func upTo(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}

// Whoever would get its turn after its deadline even with luck learns it at once; nobody else does, and nobody before
// enough turns were measured.
func TestWaitThatCannotEndInTimeEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(t, nonce.LaneConfig{})
		turn := func(ctx context.Context) (*nonce.Ticket, error) {
			ticket, err := l.Enter(ctx)
			if err == nil {
				time.Sleep(time.Second)
				ticket.Leave()
			}
			return ticket, err
		}
		arrive(turn)
		synctest.Wait()
		for range 60 {
			arrive(turn)
		}
		synctest.Wait()
		start := time.Now()
		_, err := enterWithin(l, time.Second)
		require.NotErrorIs(t, err, error(new(nonce.WaitError)))
		require.Equal(t, time.Second, time.Since(start), "nothing was measured yet")
		time.Sleep(19500 * time.Millisecond)
		require.Equal(t, 40, l.Stats().Waiting)

		start = time.Now()
		_, err = enterWithin(l, 39*time.Second)
		e, ok := errors.AsType[*nonce.WaitError](err)
		require.True(t, ok, "%v", err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, time.Since(start))
		require.Equal(t, 40, e.Ahead)
		require.Contains(t, err.Error(), `nonce: no turn on key "main" before the deadline in 39s: 40 wait already, which takes at least 40s`)
		require.Equal(t, 41, nonce.Load(l), "it left no trace")
		ticket, err := enterWithin(l, 41*time.Second)
		require.NoError(t, err)
		require.Equal(t, 40500*time.Millisecond, time.Since(start))
		ticket.Leave()
	})
}
