package grpcretry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/retry"
)

// A message that is too large has the code of a used-up quota, and will be as large the
// next time. A server that has said so itself asks for patience.
func TestSizes(t *testing.T) {
	said := status.New(codes.OK, "")
	b := startBank(t, func(ctx context.Context, _ int64, in *text) (*text, error) {
		if said.Code() != codes.OK {
			_ = grpc.SendHeader(ctx, metadata.Pairs("early", "yes"))
		}
		return in, said.Err()
	})
	conn := dial(t, b.addr, grpcretry.Config{})
	for _, tt := range []struct {
		opt    grpc.CallOption
		said   *status.Status
		reason error
		sends  int64
	}{
		{grpc.MaxCallRecvMsgSize(5), said, retry.ErrFatal, 1},
		{grpc.MaxCallSendMsgSize(5), said, retry.ErrFatal, 0},
		{grpc.MaxCallSendMsgSize(100), detailed(t, codes.ResourceExhausted, &errdetails.Help{}), retry.ErrAttempts, 4},
		{grpc.MaxCallSendMsgSize(100), status.New(codes.ResourceExhausted, "10 calls a second"), retry.ErrAttempts, 4},
	} {
		said = tt.said
		_, err := invoke(t.Context(), conn, rate, "0123456789", tt.opt)
		require.ErrorIs(t, err, tt.reason)
		require.Equal(t, codes.ResourceExhausted, status.Code(err))
		require.Equal(t, tt.sends, b.calls.Swap(0))
		require.Equal(t, classify.Unknown, ending(t, err).Effect)
	}
}
