package nonce_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

func TestHeld(t *testing.T) {
	held := func(ctx context.Context) (keys []string) {
		for ticket := range nonce.Held(ctx) {
			keys = append(keys, ticket.Key())
		}
		return keys
	}
	ticket := func(key string) *nonce.Ticket { return nonce.NewTicket(key, 1, nil, nil) }

	ctx := t.Context()
	require.Empty(t, held(ctx))
	a := ticket("a")
	ctx = nonce.NewContext(ctx, a)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx = nonce.NewContext(ctx, ticket("b"))
	require.Equal(t, []string{"b", "a"}, held(ctx), "from the innermost outwards")
	require.Equal(t, []string{"a", "b", "a"}, held(nonce.NewContext(ctx, a)), "put inside again")
	require.Empty(t, held(nonce.NewContext(ctx, nil)), "hidden")
	require.Equal(t, []string{"c"}, held(nonce.NewContext(nonce.NewContext(ctx, nil), ticket("c"))))
	require.Equal(t, []string{"a"}, held(nonce.NewContext(context.Background(), a)), "a context knows its own only")

	for ticket := range nonce.Held(ctx) {
		require.Equal(t, "b", ticket.Key())
		break
	}
	cancel()
	require.ErrorIs(t, ctx.Err(), context.Canceled, "a context like any other")
}

func ExampleHeld() {
	ctx := nonce.NewContext(context.Background(), nonce.NewTicket("payments", 17, nil, nil))
	ctx = nonce.NewContext(ctx, nonce.NewTicket("reads", 4, nil, nil))
	for ticket := range nonce.Held(ctx) {
		fmt.Println(ticket.Key())
	}
	// Output:
	// reads
	// payments
}
