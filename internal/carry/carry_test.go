package carry_test

import (
	"context"
	"testing"

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
