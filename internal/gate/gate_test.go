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

// So many at a time, and who is gone before their turn stands in nobody's way.
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
	var k gate.Keyed[int]
	made := 0
	one := func(n *int) { made++; *n = 1 }
	require.Same(t, k.Of("a", one), k.Of("a", one))
	require.NotSame(t, k.Of("a", one), k.Of("b", one))
	require.Equal(t, 2, made)
}
