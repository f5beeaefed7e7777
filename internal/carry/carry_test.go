package carry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/carry"
)

func TestContextsInsideEachOther(t *testing.T) {
	require.Nil(t, carry.From(t.Context()))
	outer := &carry.Context{Context: t.Context(), Ticket: 1}
	between := context.WithValue(outer, struct{ other string }{}, 7)
	inner := &carry.Context{Context: between, Ticket: 2}
	require.Same(t, outer, carry.From(outer))
	require.Same(t, outer, carry.From(between))
	require.Same(t, inner, carry.From(inner))
	require.Same(t, outer, inner.Outer())
	require.Nil(t, outer.Outer())
	require.Equal(t, 7, inner.Value(struct{ other string }{}), "a context like any other")
}

// One at a time, first come first served, and whoever's context ends is out of
// the way of the others.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gate carry.Gate
		require.True(t, gate.Enter(t.Context()))
		var order []int
		for i := range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			if i == 2 {
				time.AfterFunc(time.Millisecond, cancel)
			}
			defer cancel()
			go func() {
				if !gate.Enter(ctx) {
					order = append(order, -i)
					return
				}
				order = append(order, i)
				time.Sleep(time.Second)
				gate.Leave()
			}()
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []int{-2}, order)
		gate.Leave()
		begin := time.Now()
		require.True(t, gate.Enter(t.Context()))
		require.Equal(t, 4*time.Second, time.Since(begin))
		require.Equal(t, []int{-2, 0, 1, 3, 4}, order)
	})
}
