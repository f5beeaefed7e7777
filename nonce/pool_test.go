package nonce_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

func TestNewPoolRefuses(t *testing.T) {
	a, b, again := newLane(t, nonce.LaneConfig{Key: "a"}), newLane(t, nonce.LaneConfig{Key: "b"}), newLane(t, nonce.LaneConfig{Key: "a"})
	for _, test := range []struct {
		name  string
		lanes []*nonce.Lane
		want  string
	}{
		{"none", nil, "nonce: a pool needs at least one lane"},
		{"nil", []*nonce.Lane{nil}, "nonce: lane 0 of the pool is nil"},
		{"twice", []*nonce.Lane{a, a}, `nonce: lane 1 of the pool: duplicate key "a"`},
		{"two of a key", []*nonce.Lane{b, a, again}, `nonce: lane 2 of the pool: duplicate key "a"`},
		{"everything", []*nonce.Lane{a, nil, b, again, nil}, "nonce: lane 1 of the pool is nil\n" +
			"nonce: lane 3 of the pool: duplicate key \"a\"\nnonce: lane 4 of the pool is nil"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := nonce.NewPool(test.lanes...)
			require.Nil(t, p)
			require.EqualError(t, err, test.want)
		})
	}
}

func TestPoolTakesTheLeastBusyLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, lanes := newPool(t, "a", "b", "c")
		held := map[string]*nonce.Ticket{}
		for range 3 {
			ticket := enter(t, p)
			require.Nil(t, held[ticket.Key()], "two on one key while others are free")
			held[ticket.Key()] = ticket
		}
		waiting := queueUp(p, 6)
		for _, l := range lanes {
			require.Equal(t, 3, nonce.Load(l), "one in flight and two waiting each")
		}

		held["b"].Leave()
		synctest.Wait()
		extra := arrive(p.Enter)
		synctest.Wait()
		require.Equal(t, 3, nonce.Load(lanes[1]), "the newcomer goes where one has left")

		extra.cancel(nil)
		for _, c := range waiting {
			c.cancel(nil)
		}
		synctest.Wait()
		for _, c := range waiting {
			if c.ticket != nil {
				c.ticket.Leave()
			}
		}
		held["a"].Leave()
		held["c"].Leave()
		for _, l := range lanes {
			require.Zero(t, nonce.Load(l))
		}
	})
}

func TestPoolRotatesAmongEquals(t *testing.T) {
	p, _ := newPool(t, "a", "b", "c")
	turns := map[string]int{}
	for range 30 {
		ticket := enter(t, p)
		turns[ticket.Key()]++
		ticket.Leave()
	}
	require.Equal(t, map[string]int{"a": 10, "b": 10, "c": 10}, turns)
}

// Of callers who come together none waits while a lane is free.
func TestPoolUsesEveryLaneAtOnce(t *testing.T) {
	p, lanes := newPool(t, "a", "b", "c", "d")
	for range 100 {
		var wg sync.WaitGroup
		var out sync.WaitGroup
		out.Add(len(lanes))
		for range lanes {
			wg.Go(func() {
				ticket, err := p.Enter(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				out.Done()
				out.Wait() // only if all are out at once does anybody leave
				ticket.Leave()
			})
		}
		wg.Wait()
	}
}

// Of two who saw the same lane free, one chooses again.
func TestPoolChoosesAgain(t *testing.T) {
	p, lanes := newPool(t, "a", "b")
	byKey := map[string]*nonce.Lane{"a": lanes[0], "b": lanes[1]}
	var other *nonce.Ticket
	ticket, err := p.EnterUnless(t.Context(), func(key string) error {
		if other == nil {
			other = enter(t, byKey[key]) // the choice is made, but not yet taken
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEqual(t, other.Key(), ticket.Key())
	other.Leave()
	ticket.Leave()
	require.Zero(t, nonce.Load(lanes[0])+nonce.Load(lanes[1]))
}

func TestPoolConcurrently(t *testing.T) {
	p, lanes := newPool(t, "a", "b", "c")
	sent := map[string]*[]uint64{"a": {}, "b": {}, "c": {}} // each guarded by its key's turn
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 200 {
				ticket, err := p.EnterUnless(context.Background(), func(key string) error {
					if key == "b" && stop.Load() {
						return lockError(key)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				nonces := sent[ticket.Key()]
				if *nonces = append(*nonces, ticket.Nonce()); len(*nonces) > 100 {
					stop.Store(true)
				}
				runtime.Gosched()
				ticket.Leave()
			}
		})
	}
	wg.Wait()
	total := 0
	for i, key := range []string{"a", "b", "c"} {
		total += len(*sent[key])
		requireRising(t, *sent[key])
		require.Zero(t, nonce.Load(lanes[i]))
	}
	require.Equal(t, 16*200, total)
}

func TestPoolEnterKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPool(t, "a", "b")
		require.True(t, p.Holds("a") && p.Holds("b"))
		require.False(t, p.Holds("c"))
		ticket, err := p.EnterKey(t.Context(), "b")
		require.NoError(t, err)
		require.Equal(t, "b", ticket.Key())
		pinned := arrive(func(ctx context.Context) (*nonce.Ticket, error) { return p.EnterKey(ctx, "b") })
		synctest.Wait()
		require.True(t, pinned.waits(), "though a is free")
		ticket.Leave()
		synctest.Wait()
		require.Equal(t, "b", pinned.ticket.Key())
		pinned.ticket.Leave()
		_, err = p.EnterKey(t.Context(), "c")
		require.ErrorIs(t, err, nonce.ErrUnknownKey)
	})
}

func TestPoolAvoidsLockedKeys(t *testing.T) {
	p, lanes := newPool(t, "a", "b", "c")
	locks := &locks{}
	locks.lock("a")
	locks.lock("c")
	for range 6 {
		ticket, err := p.EnterUnless(t.Context(), locks.check)
		require.NoError(t, err)
		require.Equal(t, "b", ticket.Key())
		ticket.Leave()
	}
	require.Zero(t, lanes[0].Last())
	require.Zero(t, lanes[2].Last())

	locks.lock("b")
	_, err := p.EnterUnless(t.Context(), locks.check)
	requireLocked(t, err, "a", "b", "c")
	require.EqualError(t, err, `nonce: key "a" is locked: code 100 on a; key "b" is locked: code 100 on b; key "c" is locked: code 100 on c`)

	ticket, err := p.Enter(t.Context())
	require.NoError(t, err, "Enter asks nobody")
	ticket.Leave()
}

// Who waited on a key that is locked when the turn comes goes on to the next key; when none is left, they all know why.
func TestPoolLockedWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, lanes := newPool(t, "a", "b")
		locks := &locks{}
		held := map[string]*nonce.Ticket{}
		for range 2 {
			ticket := enter(t, p)
			held[ticket.Key()] = ticket
		}
		unlessLocked := func(ctx context.Context) (*nonce.Ticket, error) { return p.EnterUnless(ctx, locks.check) }
		var waiting []*caller
		for range 4 {
			waiting = append(waiting, arrive(unlessLocked))
			synctest.Wait()
		}
		require.Equal(t, 3, nonce.Load(lanes[0]))
		require.Equal(t, 3, nonce.Load(lanes[1]))

		locks.lock("a")
		held["a"].Leave()
		synctest.Wait()
		require.Equal(t, 0, nonce.Load(lanes[0]))
		require.Equal(t, 5, nonce.Load(lanes[1]))
		for _, c := range waiting {
			require.True(t, c.waits(), "moved, not failed")
		}

		held["b"].Leave()
		synctest.Wait()
		var out *caller
		for _, c := range waiting {
			if !c.waits() {
				require.Nil(t, out)
				out = c
			}
		}
		require.Equal(t, "b", out.ticket.Key())

		locks.lock("b")
		out.ticket.Leave()
		synctest.Wait()
		for _, c := range waiting {
			if c != out {
				requireLocked(t, c.err, "a", "b")
			}
		}
		require.Zero(t, nonce.Load(lanes[0]))
		require.Zero(t, nonce.Load(lanes[1]))
	})
}

// locked may say one thing before the wait and another after; the call comes to an end all the same.
func TestPoolEndsWhateverLockedSays(t *testing.T) {
	p, lanes := newPool(t, "a", "b")
	calls := 0
	_, err := p.EnterUnless(t.Context(), func(key string) error {
		if calls++; calls%2 == 0 {
			return lockError(key)
		}
		return nil
	})
	requireLocked(t, err, "a", "b")
	require.Equal(t, 4, calls)
	require.Zero(t, nonce.Load(lanes[0]))
	require.Zero(t, nonce.Load(lanes[1]))
}

func TestPoolCancelledByLocked(t *testing.T) {
	p, lanes := newPool(t, "a")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := p.EnterUnless(ctx, func(string) error { cancel(); return nil })
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, lanes[0].Last())
}

func TestPoolWaiterCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, lanes := newPool(t, "a")
		first := enter(t, p)
		c := arrive(p.Enter)
		synctest.Wait()
		c.cancel(nil)
		synctest.Wait()
		require.ErrorIs(t, c.err, context.Canceled)
		first.Leave()
		require.Zero(t, nonce.Load(lanes[0]))
	})
}

// A key without nonces is always free. It must not attract the callers.
func TestPoolPassesOverExhaustedKeys(t *testing.T) {
	spent := newLane(t, nonce.LaneConfig{Key: "spent", After: nonce.MaxNonce - 1})
	enter(t, spent).Leave()
	good := newLane(t, nonce.LaneConfig{Key: "good"})
	p, err := nonce.NewPool(spent, good)
	require.NoError(t, err)
	for range 4 {
		ticket := enter(t, p)
		require.Equal(t, "good", ticket.Key())
		ticket.Leave()
	}

	p, err = nonce.NewPool(spent)
	require.NoError(t, err)
	_, err = p.Enter(t.Context())
	require.ErrorIs(t, err, nonce.ErrExhausted)
	e, ok := errors.AsType[*nonce.ExhaustedError](err)
	require.True(t, ok)
	require.Equal(t, "spent", e.Key)
	require.Zero(t, nonce.Load(spent))
}
