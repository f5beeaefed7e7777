package nonce_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

// What was never made, and a context that is none, are told in words.
func TestZeroAndNil(t *testing.T) {
	var none context.Context
	lane, pool := new(nonce.Lane), new(nonce.Pool)
	made, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	require.NoError(t, err)
	of, err := nonce.NewPool(made)
	require.NoError(t, err)
	for want, enter := range map[string]func() (*nonce.Ticket, error){
		"the Lane is the zero Lane":  func() (*nonce.Ticket, error) { return lane.Enter(t.Context()) },
		"the Lane is the zero Lane;": func() (*nonce.Ticket, error) { return lane.EnterUnless(t.Context(), nil) },
		"the Pool is the zero Pool":  func() (*nonce.Ticket, error) { return pool.Enter(t.Context()) },
		"the context is nil":         func() (*nonce.Ticket, error) { return made.Enter(none) },
		"the context is nil;":        func() (*nonce.Ticket, error) { return of.Enter(none) },
		"context is nil;":            func() (*nonce.Ticket, error) { return of.EnterKey(none, "main") },
	} {
		ticket, err := enter()
		require.ErrorContains(t, err, want)
		require.Nil(t, ticket)
	}
	require.Zero(t, lane.Stats())
	require.Empty(t, pool.Stats())
	require.False(t, pool.Holds("main"))
	ticket, err := of.Enter(t.Context()) // as if nothing had happened
	require.NoError(t, err)
	ticket.Leave()
}
