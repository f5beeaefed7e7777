package gate_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/gate"
)

// No more than the limit at a time. A caller that gives up does not hold up the others.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(2)
		inside, most := 0, 0
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				require.True(t, g.Enter(t.Context()))
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				inside--
				mu.Unlock()
				g.Leave()
			})
		}
		began := time.Now()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.False(t, g.Enter(ctx))
		all.Wait()
		require.Equal(t, 2, most)
		require.Equal(t, 3*time.Second, time.Since(began))
	})
	var open gate.Gate
	require.True(t, open.Enter(t.Context()))
	open.Leave()
}

func TestClaims(t *testing.T) {
	var c gate.Claims
	require.True(t, c.Take("a"))
	require.False(t, c.Take("a"))
	require.True(t, c.Take("b"))
	c.Free("a")
	require.True(t, c.Take("a"))
}

func TestKeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := gate.Keyed{Most: 1}
		require.True(t, k.Enter(t.Context(), "a"))
		require.True(t, k.Enter(t.Context(), "b"), "another gate")
		ctx, cancel := context.WithCancel(t.Context())
		entered := make(chan bool)
		go func() { entered <- k.Enter(ctx, "a") }()
		synctest.Wait()
		cancel()
		require.False(t, <-entered)
		go func() { entered <- k.Enter(t.Context(), "a") }()
		synctest.Wait()
		k.Leave("a")
		require.True(t, <-entered)
		k.Leave("b")
		require.Equal(t, 1, gate.Keys(&k))
		k.Leave("a")
		require.Zero(t, gate.Keys(&k), "nothing is kept")
	})
}
