package keylease_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/keylease"
	"github.com/nexpay-go/resilience/nonce"
)

func held(t testing.TB, n int) *keylease.Leases {
	l, err := keylease.New(keylease.Config{Store: new(keylease.MemoryStore), Keys: keys(n), TTL: time.Hour})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close(context.Background())) })
	for range n { // each key asks once for what it may draw
		turn(t, l)
	}
	return l
}

func turn(t testing.TB, s nonce.Source) {
	ticket, err := s.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ticket.Leave()
}

// A call asks no store, and allocates its ticket.
func TestEnterAllocatesATicket(t *testing.T) {
	l := held(t, 4)
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() { turn(t, l) }), 1.0)
}

// At most 1.3 times what a pool of the same keys takes, in the same run.
func BenchmarkEnter(b *testing.B) {
	for _, n := range []int{1, 16, 1000} {
		var lanes []*nonce.Lane
		for _, key := range keys(n) {
			l, err := nonce.NewLane(nonce.LaneConfig{Key: key})
			require.NoError(b, err)
			lanes = append(lanes, l)
		}
		pool, err := nonce.NewPool(lanes...)
		require.NoError(b, err)
		for name, s := range map[string]nonce.Source{"pool": pool, "leases": held(b, n)} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					turn(b, s)
				}
			})
		}
	}
}
