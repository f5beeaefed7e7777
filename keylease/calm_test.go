package keylease_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/keylease"
)

// A counted store counts the rounds.
type counted struct {
	keylease.Store
	rounds atomic.Int64
}

func (c *counted) Round(ctx context.Context, r keylease.Round) (keylease.Standing, error) {
	c.rounds.Add(1)
	return c.Store.Round(ctx, r)
}

// A key to be given back whose turn takes long, or whose store is gone, costs no more
// rounds than any other; and when the turn is over, it is given back soon.
func TestWaitingForATurnCostsNoRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(keylease.MemoryStore)
		c := &counted{Store: store}
		g := &gate{Store: store}
		c.Store = g
		a := start(t, c, nil)
		time.Sleep(time.Second)
		ticket := make(chan func(), 4)
		for _, key := range keys(4) {
			turn, err := a.EnterKey(t.Context(), key)
			require.NoError(t, err)
			ticket <- turn.Leave
		}
		b := start(t, store, nil)
		time.Sleep(20 * time.Second)
		require.Len(t, a.Keys(), 2)
		require.Empty(t, b.Keys())
		before := c.rounds.Load()
		time.Sleep(time.Minute)
		require.Less(t, c.rounds.Load()-before, int64(25), "a round each 3 s or so")
		g.cut(errors.New("gone"))
		for range 4 {
			(<-ticket)()
		}
		before = c.rounds.Load()
		time.Sleep(10 * time.Second)
		require.LessOrEqual(t, c.rounds.Load()-before, int64(12), "ten in a TTL")
		g.cut(nil)
		time.Sleep(10 * time.Second)
		require.Len(t, b.Keys(), 2)
	})
}

// So does Close, which gives back at once what it can, whatever else it waits for.
func TestCloseIsCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(keylease.MemoryStore)
		c := &counted{Store: store}
		a := start(t, c, func(c *keylease.Config) {
			c.OnTake = func(ctx context.Context, key string) {
				<-ctx.Done()
				if key == "key-00" {
					time.Sleep(5 * time.Second)
				}
			}
		})
		time.Sleep(time.Second)
		turn, err := a.EnterKey(t.Context(), "key-01")
		require.NoError(t, err)
		before := c.rounds.Load()
		closed := make(chan error)
		go func() { closed <- a.Close(t.Context()) }()
		time.Sleep(100 * time.Millisecond)
		s, err := store.Round(t.Context(), keylease.Round{Owner: "next", Keys: keys(4), TTL: time.Minute})
		require.NoError(t, err)
		require.Len(t, s.Records, 3)
		time.Sleep(4 * time.Second)
		turn.Leave()
		require.NoError(t, <-closed)
		require.Less(t, c.rounds.Load()-before, int64(8))
		s, err = store.Round(t.Context(), keylease.Round{Owner: "next", Keys: keys(4), TTL: time.Minute})
		require.NoError(t, err)
		require.Equal(t, turn.Nonce(), s.Records[1].High)
	})
}

// A round that Close breaks off says nothing of the store.
func TestCloseInTheMiddleOfARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(keylease.MemoryStore)
		slow := &slowly{Store: store}
		a := start(t, slow, nil)
		time.Sleep(time.Second)
		slow.by.Store(int64(time.Second))
		for slow.under.Load() == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		slow.by.Store(0)
		require.NoError(t, a.Close(t.Context()))
		require.Zero(t, a.heard(keylease.StoreGone))
		require.Zero(t, a.heard(keylease.StoreBack))
	})
}

// A slowly answering store.
type slowly struct {
	keylease.Store
	by, under atomic.Int64
}

func (s *slowly) Round(ctx context.Context, r keylease.Round) (keylease.Standing, error) {
	if by := time.Duration(s.by.Load()); by > 0 {
		s.under.Add(1)
		select {
		case <-time.After(by):
		case <-ctx.Done():
			return keylease.Standing{}, errors.New("the driver's own word for it")
		}
	}
	return s.Store.Round(ctx, r)
}
