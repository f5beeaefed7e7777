package nonce_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/nonce"
)

func poolOf(t testing.TB, n int, c nonce.LaneConfig) *nonce.Pool {
	t.Helper()
	lanes := make([]*nonce.Lane, n)
	for i := range lanes {
		c.Key = fmt.Sprintf("key %05d", i)
		lanes[i] = newLane(t, c)
	}
	p, err := nonce.NewPool(lanes...)
	require.NoError(t, err)
	return p
}

// leastBusy is what a pool should do, one lane after the other.
func leastBusy(lanes []*nonce.Lane, call int, locked map[string]bool) (lane int) {
	lane = -1
	least := 0
	for k := range lanes {
		i := (call + k) % len(lanes)
		over := nonce.Load(lanes[i]) - lanes[i].Stats().Limit
		if !locked[lanes[i].Key()] && (lane < 0 || over < least) {
			lane, least = i, over
		}
	}
	return lane
}

// A poolTest has two pools with lanes in common, some of which are entered directly as well.
type poolTest struct {
	lanes  [2][]*nonce.Lane
	pools  [2]*nonce.Pool
	calls  [2]int
	locked map[string]bool
	inside []*caller
}

func newPoolTest(t *rapid.T) *poolTest {
	p := &poolTest{locked: map[string]bool{}}
	var all []*nonce.Lane
	for i := range rapid.IntRange(2, 16).Draw(t, "lanes") {
		l, err := nonce.NewLane(nonce.LaneConfig{Key: fmt.Sprint(i), InFlight: rapid.IntRange(1, 3).Draw(t, "inFlight")})
		require.NoError(t, err)
		all = append(all, l)
	}
	p.lanes = [2][]*nonce.Lane{all, all[:rapid.IntRange(1, len(all)).Draw(t, "of the second")]}
	for i := range p.pools {
		var err error
		p.pools[i], err = nonce.NewPool(p.lanes[i]...)
		require.NoError(t, err)
	}
	return p
}

func (p *poolTest) check(key string) error {
	if p.locked[key] {
		return lockError(key)
	}
	return nil
}

// enter has a caller go where the model says.
func (p *poolTest) enter(t *rapid.T, pool int, locks bool) {
	p.calls[pool]++
	locked := map[string]bool{}
	enter := p.pools[pool].Enter
	if locks {
		locked = p.locked
		enter = func(ctx context.Context) (*nonce.Ticket, error) { return p.pools[pool].EnterUnless(ctx, p.check) }
	}
	want := leastBusy(p.lanes[pool], p.calls[pool], locked)
	var before []int
	for _, l := range p.lanes[0] {
		before = append(before, nonce.Load(l))
	}
	c := arrive(enter)
	synctest.Wait()
	if want < 0 {
		require.False(t, c.waits())
		_, ok := errors.AsType[lockError](c.err)
		require.True(t, ok, "%v", c.err)
		return
	}
	before[want]++
	for i, l := range p.lanes[0] {
		require.Equal(t, before[i], nonce.Load(l), "lane %d; it should go to %d", i, want)
	}
	p.inside = append(p.inside, c)
}

// settle lets those out who were refused when their turn came, and makes sure of the trees.
func (p *poolTest) settle(t *rapid.T) {
	synctest.Wait()
	p.inside = slices.DeleteFunc(p.inside, func(c *caller) bool { return !c.waits() && c.err != nil })
	load := 0
	for _, l := range p.lanes[0] {
		load += nonce.Load(l)
	}
	require.Equal(t, len(p.inside), load)
	for _, pool := range p.pools {
		require.True(t, nonce.Agrees(pool))
	}
}

func TestPoolIsLikeItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			p := newPoolTest(t)
			key := rapid.Map(rapid.SampledFrom(p.lanes[0]), (*nonce.Lane).Key)
			t.Cleanup(func() {
				for _, c := range p.inside {
					c.cancel(nil)
				}
				synctest.Wait()
				for _, c := range p.inside {
					if c.ticket != nil {
						c.ticket.Leave()
					}
				}
				synctest.Wait()
			})
			t.Repeat(map[string]func(*rapid.T){
				"enter": func(t *rapid.T) { p.enter(t, rapid.IntRange(0, 1).Draw(t, "pool"), false) },
				"enter unless locked": func(t *rapid.T) {
					p.enter(t, rapid.IntRange(0, 1).Draw(t, "pool"), true)
				},
				"enter a lane": func(t *rapid.T) {
					l := rapid.SampledFrom(p.lanes[0]).Draw(t, "lane")
					p.inside = append(p.inside, arrive(l.Enter))
				},
				"leave": func(t *rapid.T) {
					if len(p.inside) == 0 {
						t.Skip("nobody")
					}
					i := rapid.IntRange(0, len(p.inside)-1).Draw(t, "who")
					c := p.inside[i]
					p.inside = slices.Delete(p.inside, i, i+1)
					c.cancel(nil)
					<-c.done
					if c.ticket != nil {
						c.ticket.Leave()
					}
				},
				"lock":   func(t *rapid.T) { p.locked[key.Draw(t, "key")] = true },
				"unlock": func(t *rapid.T) { delete(p.locked, key.Draw(t, "key")) },
				"":       p.settle,
			})
		})
	})
}

// Whoever was refused by many lanes still finds the one that is left, though they change meanwhile.
func TestPoolFindsTheOneThatIsLeft(t *testing.T) {
	const n = 150
	p := poolOf(t, n, nonce.LaneConfig{InFlight: 2})
	lanes := nonce.Lanes(p)
	for left := range n {
		asked := 0
		var held []*nonce.Ticket
		ticket, err := p.EnterUnless(t.Context(), func(key string) error {
			if asked++; asked%3 == 0 {
				held = append(held, enter(t, lanes[(asked*7)%n]))
			}
			if key != lanes[left].Key() {
				return lockError(key)
			}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, lanes[left].Key(), ticket.Key())
		require.LessOrEqual(t, asked, n+3, "each is asked once, and the last before it waits and after")
		ticket.Leave()
		for _, h := range held {
			h.Leave()
		}
	}
	require.True(t, nonce.Agrees(p))
}

// Who was refused by one lane and comes too late for another chooses as well as at first.
func TestPoolChoosesAgainAfterARefusal(t *testing.T) {
	p := poolOf(t, 3, nonce.LaneConfig{})
	var others []*nonce.Ticket
	ticket, err := p.EnterUnless(t.Context(), func(key string) error {
		switch len(others) {
		case 0:
			others = append(others, nil)
			return lockError(key)
		case 1:
			other, err := p.EnterKey(t.Context(), key)
			require.NoError(t, err)
			others = append(others, other)
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEqual(t, others[1].Key(), ticket.Key(), "the third is free")
	ticket.Leave()
	others[1].Leave()
}

// The trees hear of a limit that falls as they do of turns.
func TestTreesHearOfTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := poolOf(t, 2, nonce.LaneConfig{Adaptive: true})
		l := nonce.Lanes(p)[0]
		var wg sync.WaitGroup
		for range 60 {
			wg.Go(func() {
				ticket := enter(t, l)
				time.Sleep(time.Millisecond)
				ticket.Leave()
			})
		}
		wg.Wait()
		require.Greater(t, l.Stats().Limit, 2)
		require.True(t, nonce.Agrees(p))
		first := enter(t, l)
		time.Sleep(time.Second)
		second := enter(t, l)
		limit := l.Stats().Limit
		first, err := first.Resync(t.Context())
		require.NoError(t, err)
		require.Less(t, l.Stats().Limit, limit)
		require.True(t, nonce.Agrees(p))
		first.Leave()
		second.Leave()
	})
}

func TestPoolOfManyLockedKeys(t *testing.T) {
	const n = 10_000
	p := poolOf(t, n, nonce.LaneConfig{})
	asked := map[string]int{}
	_, err := p.EnterUnless(t.Context(), func(key string) error { asked[key]++; return lockError(key) })
	require.Len(t, asked, n)
	for key, times := range asked {
		require.Equal(t, 1, times, key)
	}
	require.ErrorIs(t, err, lockError("key 00000"))
	require.ErrorIs(t, err, lockError("key 00007"))
	require.Contains(t, err.Error(), `nonce: key "key 00000" is locked: code 100 on key 00000; key "key 00001" is`)
	require.True(t, strings.HasSuffix(err.Error(), "; and 9992 more"), err.Error())
	require.Less(t, len(err.Error()), 1<<10)

	require.NoError(t, nonce.Lanes(p)[4711].Close())
	_, err = p.EnterUnless(t.Context(), func(key string) error {
		if key == "key 04711" {
			return nil
		}
		return lockError(key)
	})
	require.ErrorIs(t, err, lockError("key 00006"))
	require.ErrorIs(t, err, nonce.ErrClosed, "one of another kind is not among those who are only counted")
	require.True(t, strings.HasSuffix(err.Error(), `; key "key 04711": the lane was closed; and 9992 more`), err.Error())

	long := errors.New(strings.Repeat("x", 1<<20))
	_, err = p.EnterUnless(t.Context(), func(string) error { return long })
	require.Less(t, len(err.Error()), 10<<10, "whatever locked says")
}

// Of ten thousand lanes that are of no use, for all the reasons there are, every reason is told, and first what passes
// soonest.
func TestPoolNamesEveryKindOfRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{onWrite: func(string) error { return errDisk }}
		lanes := []*nonce.Lane{m.lane(t, nonce.LaneConfig{})}
		defer lanes[0].Close()
		for i := range 9_999 {
			c := nonce.LaneConfig{Key: fmt.Sprint("closed ", i)}
			if i == 5_000 {
				c = nonce.LaneConfig{Key: "spent", After: nonce.MaxNonce - 1}
			}
			lanes = append(lanes, newLane(t, c))
		}
		spent := lanes[5_001]
		enter(t, spent).Leave()
		for _, l := range lanes[1:] {
			if l != spent {
				require.NoError(t, l.Close())
			}
		}
		busy, busier := laneWithoutTime(t, "busy", 40), laneWithoutTime(t, "busier", 50)
		time.Sleep(305 * time.Second)
		lanes = append(lanes, busier.lane, busy.lane, newLane(t, nonce.LaneConfig{Key: "locked"}))
		p, err := nonce.NewPool(lanes...)
		require.NoError(t, err)
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_, err = p.EnterUnless(ctx, func(key string) error {
			if key == "locked" {
				return lockError(key)
			}
			return nil
		})
		busy.end()
		busier.end()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errDisk)
		require.ErrorIs(t, err, nonce.ErrExhausted)
		require.ErrorIs(t, err, nonce.ErrClosed)
		require.ErrorIs(t, err, lockError("locked"))
		text := err.Error()
		for _, part := range []string{`on key "busy"`, `on key "busier"`, `key "locked"`, `key "main": high-water file`, `key "spent"`, `key "closed 0"`, `key "closed 1"`, `key "closed 2"`, "and 9995 more"} {
			_, after, found := strings.Cut(text, part)
			require.True(t, found, "%s in %s", part, err)
			text = after
		}
	})
}

type busyLane struct {
	lane *nonce.Lane
	end  func()
}

// laneWithoutTime is a lane on which turns take ten seconds, and so many want one.
func laneWithoutTime(t *testing.T, key string, callers int) busyLane {
	l := newLane(t, nonce.LaneConfig{Key: key})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if ticket, err := l.Enter(ctx); err == nil {
				time.Sleep(10 * time.Second)
				ticket.Leave()
			}
		})
	}
	return busyLane{l, func() { cancel(); wg.Wait() }}
}

// Lanes outlive pools: they let go of those that nobody uses any more.
func TestLanesForgetPools(t *testing.T) {
	lanes := nonce.Lanes(poolOf(t, 3, nonce.LaneConfig{}))
	kept, err := nonce.NewPool(lanes[1:]...)
	require.NoError(t, err)
	for range 100 {
		p, err := nonce.NewPool(lanes...)
		require.NoError(t, err)
		enter(t, p).Leave()
	}
	for nonce.Pools(lanes[0]) > 0 || nonce.Pools(lanes[1]) > 1 {
		runtime.GC()
		runtime.Gosched()
	}
	enter(t, kept).Leave()
	require.True(t, nonce.Agrees(kept))
	runtime.KeepAlive(kept)
}

// The trees know how busy the lanes are, whoever changes that on the side.
func TestTreesAgreeAfterConcurrency(t *testing.T) {
	p := poolOf(t, 7, nonce.LaneConfig{Adaptive: true})
	other, err := nonce.NewPool(nonce.Lanes(p)[3:]...)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			source := []nonce.Source{p, other, nonce.Lanes(p)[4]}[i%3]
			for j := range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if j%5 == 0 {
					cancel()
				}
				ticket, err := source.Enter(ctx)
				if err == nil {
					runtime.Gosched()
					if newer, err := ticket.Resync(ctx); err == nil {
						ticket = newer
					}
					ticket.Leave()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	require.True(t, nonce.Agrees(p) && nonce.Agrees(other))
}
