package grpcretry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/retry"
)

const (
	iban  = "DE89370400440532013000"
	token = "eyJhbGciOiJIUzI1NiJ9canary"
)

// A server that repeats all it was sent, in message, details and metadata.
func TestSecrets(t *testing.T) {
	b := startBank(t, func(ctx context.Context, _ int64, in *text) (*text, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		st := status.New(codes.Unavailable, fmt.Sprintf("no account %q with %v\x1b[31m\nlevel=ERROR forged", in.GetValue(), md["authorization"]))
		st, err := st.WithDetails(
			&errdetails.ErrorInfo{Reason: iban, Domain: token, Metadata: map[string]string{"iban": iban}},
			&errdetails.RequestInfo{RequestId: token, ServingData: iban},
			&errdetails.DebugInfo{Detail: iban},
		)
		if err != nil {
			return nil, err
		}
		return nil, st.Err()
	})
	var mu sync.Mutex
	var seen bytes.Buffer
	log := retry.LogEvents(slog.New(slog.NewTextHandler(&seen, &slog.HandlerOptions{Level: slog.LevelDebug})))
	breaker, err := breaker.New(breaker.Config{ConsecutiveFailures: 2})
	require.NoError(t, err)
	r := retrier(t, retry.Config{Breaker: breaker, OnEvent: func(ctx context.Context, e retry.Event) {
		mu.Lock()
		defer mu.Unlock()
		log(ctx, e)
		fmt.Fprintf(&seen, "%+v %#v\n", e, e)
	}})
	conn := dial(t, b.addr, grpcretry.Config{Retrier: r})
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
	for _, method := range []string{rate, pay, rate} {
		_, err := invoke(ctx, conn, method, iban)
		require.Error(t, err)
		text, _ := json.Marshal(map[string]any{"err": err})
		fmt.Fprintf(&seen, "%v %+v %#v %q %s %s\n", err, err, err, err, text, status.Convert(err).Message())
		slog.New(slog.NewJSONHandler(&seen, nil)).Error("failed", "err", err)
	}
	require.NotContains(t, seen.String(), iban)
	require.NotContains(t, seen.String(), token)
	require.NotContains(t, seen.String(), "\x1b")
	require.NotContains(t, seen.String(), "\nlevel=ERROR forged")
	require.Contains(t, seen.String(), "no account")
	_, err = invoke(ctx, dial(t, b.addr, grpcretry.Config{}), pay, iban)
	st, _ := status.FromError(err)
	require.Len(t, st.Details(), 3, "the caller can read all of it")
}

// Of a request that is too large to be looked for in an answer, or is no message that can be
// read, no message of the server's is shown.
func TestLargeRequests(t *testing.T) {
	large := strings.Repeat("x", 65<<10) + iban
	b := startBank(t, func(_ context.Context, _ int64, in *text) (*text, error) {
		return nil, status.Error(codes.NotFound, in.GetValue()[max(0, len(in.GetValue())-22):])
	})
	_, err := invoke(t.Context(), dial(t, b.addr, grpcretry.Config{}), pay, large)
	require.Equal(t, codes.NotFound, status.Code(err))
	require.NotContains(t, err.Error(), iban)
	require.Contains(t, err.Error(), "message not shown")

	b = startBank(t, failing(status.New(codes.NotFound, strings.Repeat("long ", 100<<10/5)+iban)))
	_, err = invoke(t.Context(), dial(t, b.addr, grpcretry.Config{}), pay, "x")
	require.Equal(t, codes.NotFound, status.Code(err))
	require.Less(t, len(err.Error()), 600)
}
