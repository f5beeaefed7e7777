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

// An unreplicated store answers "done" when the context has ended, as lib/pq does for a commit that still waits for its
// standby.
type unreplicated struct {
	keylease.Store
	hangs atomic.Bool
}

func (s *unreplicated) Round(ctx context.Context, r keylease.Round) (keylease.Standing, error) {
	if s.hangs.Load() {
		<-ctx.Done()
	}
	return s.Store.Round(context.WithoutCancel(ctx), r)
}

// A success after the end of the context renews no lease: after a failover the store may know nothing of it.
func TestASuccessThatCameTooLateRenewsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &unreplicated{Store: new(keylease.MemoryStore)}
		p := start(t, store, nil)
		time.Sleep(20 * time.Second)
		require.Len(t, p.Keys(), 4)
		store.hangs.Store(true)
		time.Sleep(2 * time.Minute)
		require.Equal(t, 1, p.heard(keylease.StoreGone))
		ticket, err := p.Enter(t.Context())
		if err == nil {
			ticket.Leave()
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
		store.hangs.Store(false)
		time.Sleep(time.Minute)
		ticket, err = p.Enter(t.Context())
		require.NoError(t, err)
		ticket.Leave()
		require.NoError(t, p.Close(t.Context()))
	})
}

// What keeps Enter waiting is told to who looks, from the first round on.
func TestObstacle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(keylease.MemoryStore)
		one := func(c *keylease.Config) { c.Keys = keys(1) }
		a := start(t, store, one)
		time.Sleep(5 * time.Second)
		require.Empty(t, a.Obstacle())
		b := start(t, store, one)
		time.Sleep(5 * time.Second)
		require.Equal(t, "no key is free: 2 processes share 1", b.Obstacle())
		require.Empty(t, a.Obstacle())

		a.gate.cut(errors.New("gone"))
		time.Sleep(6 * time.Second) // the last round was 10/3 s ago at most
		require.Empty(t, a.Obstacle(), "within TTL nothing is in the way")
		time.Sleep(6 * time.Second)
		require.Contains(t, a.Obstacle(), "the store has not answered for 1")
		a.gate.cut(nil)
		require.NoError(t, a.Close(t.Context()))
		require.Equal(t, "it is closed", a.Obstacle())
		require.NoError(t, b.Close(t.Context()))
	})
}
