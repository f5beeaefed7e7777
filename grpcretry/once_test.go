package grpcretry_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/retry"
)

// payment is an operation of which the server knows whether it happened.
func payment(conn *grpc.ClientConn, happened *atomic.Int64) retry.Operation[string] {
	return retry.Operation[string]{
		ID:   "inv-7",
		Send: func(ctx context.Context) (string, error) { return invoke(ctx, conn, pay, "inv-7") },
		Verify: func(ctx context.Context) (string, retry.Outcome, error) {
			// Neither does the lookup have to be declared: here it is a part.
			_, err := invoke(ctx, conn, pay, "look")
			switch {
			case err == nil:
				return "found", retry.Applied, nil
			case status.Code(err) == codes.NotFound:
				return "", retry.Absent, nil
			}
			return "", retry.Undecided, err
		},
		Settle: 20 * time.Millisecond,
	}
}

// A payment over a connection with the interceptor is DoOnce around the call: sent once by
// each attempt, looked up when in doubt, and a refusal of the server's own needs no lookup.
func TestOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		first         error // what the first send is answered with
		happens       bool  // and whether it happens all the same
		pays, looks   int64
		reason        error
		effect        classify.Effect
		value         string
		doesNotHappen bool
	}{
		"succeeds":              {happens: true, pays: 1, value: "inv-7"},
		"lost, and happened":    {first: status.Error(codes.Unavailable, ""), happens: true, pays: 1, looks: 1, value: "found"},
		"lost, and sent again":  {first: status.Error(codes.Unavailable, ""), pays: 2, looks: 2, value: "inv-7"},
		"refused by the server": {first: status.Error(codes.FailedPrecondition, ""), pays: 1, reason: retry.ErrFatal, doesNotHappen: true},
		"refused, with details": {first: detailed(t, codes.InvalidArgument, &errdetails.ErrorInfo{Reason: "X", Domain: "y"}).Err(), pays: 1, reason: retry.ErrFixAndResend, doesNotHappen: true},
		"an unknown code":       {first: status.Error(77, ""), happens: true, pays: 1, looks: 1, value: "found"},
	} {
		var happened, pays, looks atomic.Int64
		b := startBank(t, func(_ context.Context, _ int64, in *text) (*text, error) {
			if in.GetValue() == "look" {
				looks.Add(1)
				if happened.Load() == 0 {
					return nil, status.Error(codes.NotFound, "")
				}
				return in, nil
			}
			first := pays.Add(1) == 1
			if !first || tt.happens {
				happened.Add(1)
			}
			if first && tt.first != nil {
				return nil, tt.first
			}
			return in, nil
		})
		r := retrier(t, retry.Config{})
		conn := dial(t, b.addr, grpcretry.Config{Retrier: r})
		value, err := retry.DoOnce(t.Context(), r, payment(conn, &happened))
		require.ErrorIs(t, err, tt.reason, name)
		require.Equal(t, tt.value, value, name)
		require.Equal(t, tt.pays, pays.Load(), name)
		require.Equal(t, tt.looks, looks.Load(), name)
		if tt.doesNotHappen {
			require.Equal(t, classify.NotApplied, ending(t, err).Effect, name)
			require.Zero(t, happened.Load(), name)
		} else {
			require.EqualValues(t, 1, happened.Load(), name)
		}
	}
}

// Without a connection there is no doubt, and nothing to be looked up.
func TestOnceWithoutConnection(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := lis.Addr().String()
	require.NoError(t, lis.Close())
	r := retrier(t, retry.Config{})
	conn := dial(t, addr, grpcretry.Config{Retrier: r})
	op := payment(conn, nil)
	op.Verify = func(context.Context) (string, retry.Outcome, error) {
		t.Error("nothing was sent")
		return "", retry.Undecided, nil
	}
	_, err = retry.DoOnce(t.Context(), r, op)
	require.ErrorIs(t, err, retry.ErrAttempts)
	require.Equal(t, classify.NotApplied, ending(t, err).Effect)
	require.Equal(t, codes.Unavailable, status.Code(err))

	// But where something else of the same Send was on the wire, there is.
	sent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer sent.Close()
	server := startBank(t, echoing)
	paid := dial(t, server.addr, grpcretry.Config{Retrier: r})
	for name, before := range map[string]func(context.Context) error{
		"HTTP": func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, sent.URL, nil)
			require.NoError(t, err)
			resp, err := sent.Client().Do(req)
			return errors.Join(err, resp.Body.Close())
		},
		"gRPC": func(ctx context.Context) error { _, err := invoke(ctx, paid, pay, "x"); return err },
	} {
		looked := 0
		_, err = retry.DoOnce(t.Context(), r, retry.Operation[string]{
			ID: "inv-8",
			Send: func(ctx context.Context) (string, error) {
				if err := before(ctx); err != nil {
					return "", err
				}
				return invoke(ctx, conn, pay, "x")
			},
			Verify: func(context.Context) (string, retry.Outcome, error) { looked++; return "found", retry.Applied, nil },
			Settle: time.Millisecond,
		})
		require.NoError(t, err, name)
		require.Equal(t, 1, looked, name)
	}
}

// A page of a proxy's is no refusal of a payment.
func TestOnceBehindAProxy(t *testing.T) {
	for _, code := range []int{401, 403, 404, 503} {
		r := retrier(t, retry.Config{})
		conn := dial(t, page(t, code), grpcretry.Config{Retrier: r})
		op := payment(conn, nil)
		looked := 0
		op.Verify = func(context.Context) (string, retry.Outcome, error) { looked++; return "found", retry.Applied, nil }
		value, err := retry.DoOnce(t.Context(), r, op)
		require.NoError(t, err, code)
		require.Equal(t, "found", value)
		require.Equal(t, 1, looked)
	}
}

// Inside a payment's Send calls of another Retrier are refused, and apart they are calls of
// their own.
func TestApart(t *testing.T) {
	b := startBank(t, failing(status.New(codes.Unavailable, "")))
	r := retrier(t, retry.Config{})
	conn := dial(t, b.addr, grpcretry.Config{})
	var inside, apart, own error
	_, _ = retry.DoOnce(t.Context(), r, retry.Operation[string]{ID: "x", Send: func(ctx context.Context) (string, error) {
		_, inside = invoke(ctx, conn, rate, "x")
		require.Zero(t, b.calls.Load())
		_, apart = invoke(retry.Apart(ctx), conn, rate, "x")
		require.EqualValues(t, 4, b.calls.Swap(0))
		_, own = invoke(retry.Apart(ctx), dial(t, b.addr, grpcretry.Config{Retrier: r}), pay, "x")
		require.EqualValues(t, 1, b.calls.Swap(0))
		return "", nil
	}})
	require.ErrorIs(t, inside, retry.ErrNested)
	require.Equal(t, codes.Internal, status.Code(inside))
	require.ErrorIs(t, apart, retry.ErrAttempts)
	require.ErrorIs(t, own, retry.ErrDoubt)
}

// The context of a payment that is over makes no call of another one's safe to repeat.
func TestContextOfAPaymentThatIsOver(t *testing.T) {
	b := startBank(t, failing(status.New(codes.Unavailable, "")))
	r := retrier(t, retry.Config{})
	var kept context.Context
	_, err := retry.DoOnce(t.Context(), r, retry.Operation[string]{ID: "x", Send: func(ctx context.Context) (string, error) {
		kept = ctx
		return "", nil
	}})
	require.NoError(t, err)
	_, err = invoke(kept, dial(t, b.addr, grpcretry.Config{Retrier: r}), pay, "x")
	require.ErrorIs(t, err, retry.ErrDoubt)
	require.EqualValues(t, 1, b.calls.Load())
}

// With a key in the request a call is sent again after doubt, for as long as the API keeps it.
func TestIdempotentFor(t *testing.T) {
	b := startBank(t, failing(status.New(codes.Unavailable, "")))
	conn := dial(t, b.addr, grpcretry.Config{})
	for keeps, sends := range map[time.Duration]int64{24 * time.Hour: 4, time.Second: 1, 0: 1, -time.Hour: 1} {
		_, err := invoke(t.Context(), conn, pay, "x", grpcretry.IdempotentFor(keeps))
		require.Error(t, err)
		require.Equal(t, sends, b.calls.Swap(0), fmt.Sprint(keeps))
		require.False(t, ending(t, err).Repeatable())
		if keeps > 0 {
			require.Contains(t, ending(t, err).Advice, "the same key")
		}
	}
}
