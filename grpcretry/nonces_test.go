package grpcretry_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// signing signs each send with the ticket of its attempt.
type signing struct{}

func (signing) RequireTransportSecurity() bool { return false }

func (signing) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	ticket, ok := nonce.FromContext(ctx)
	if !ok {
		return nil, errors.New("no ticket")
	}
	return map[string]string{"x-nonce": strconv.FormatUint(ticket.Nonce(), 10)}, nil
}

// With a source of nonces each attempt has a ticket of its own, which credentials find in
// their context.
func TestNonces(t *testing.T) {
	var mu sync.Mutex
	var nonces []uint64
	b := startBank(t, func(ctx context.Context, n int64, in *text) (*text, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		got, err := strconv.ParseUint(md["x-nonce"][0], 10, 64)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		nonces = append(nonces, got)
		mu.Unlock()
		if n%2 == 1 {
			return nil, status.Error(codes.Unavailable, "")
		}
		return in, nil
	})
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	require.NoError(t, err)
	r := retrier(t, retry.Config{Nonces: lane})
	conn := dial(t, b.addr, grpcretry.Config{Retrier: r}, grpc.WithPerRPCCredentials(signing{}))
	for range 3 {
		_, err := invoke(t.Context(), conn, rate, "x")
		require.NoError(t, err)
	}
	require.Len(t, nonces, 6)
	require.IsIncreasing(t, nonces)
}
