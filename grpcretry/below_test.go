package grpcretry_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/retry"
)

// nobodyThere is an address that refuses connections.
func nobodyThere(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, lis.Close())
	return lis.Addr().String()
}

// An interceptor below starts a send, leaves it under way, and returns the error of another
// one that found no connection. The payment was sent, so it must not be sent again.
func TestHedgeBelowIsNotUnsent(t *testing.T) {
	dead := bare(t, nobodyThere(t))
	for name, own := range map[string]bool{"with our options": false, "with options of its own": true} {
		got := make(chan struct{}, 10)
		b := startBank(t, func(_ context.Context, _ int64, in *text) (*text, error) {
			got <- struct{}{}
			return in, nil
		})
		var left sync.WaitGroup
		hedge := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			left.Go(func() {
				var options []grpc.CallOption
				if !own {
					options = opts[:0:0]
				}
				_ = invoker(context.WithoutCancel(ctx), method, req, new(text), cc, options...)
			})
			<-got
			return dead.Invoke(ctx, method, req, reply, opts...)
		}
		conn := dial(t, b.addr, grpcretry.Config{}, grpc.WithChainUnaryInterceptor(hedge))
		_, err := invoke(t.Context(), conn, pay, "x")
		left.Wait()
		require.EqualValues(t, 1, b.calls.Load(), name)
		require.ErrorIs(t, err, retry.ErrDoubt, name)
		require.Equal(t, classify.Unknown, ending(t, err).Effect, name)
		require.Contains(t, ending(t, err).Advice, "interceptor", name)
	}
}

// An interceptor below sends twice. The first send is executed, and the second refused as a
// duplicate: that refusal is about its own send alone.
func TestRefusalOfASecondSendBelow(t *testing.T) {
	for name, hedged := range map[string]bool{"one after the other": false, "the first left": true} {
		var happened atomic.Int64
		release := make(chan struct{})
		b := startBank(t, func(_ context.Context, n int64, in *text) (*text, error) {
			switch {
			case in.GetValue() == "look":
				return in, nil
			case n > 1:
				return nil, status.Error(codes.FailedPrecondition, "in progress")
			}
			happened.Add(1)
			if hedged {
				<-release
			}
			return nil, status.Error(codes.Unavailable, "")
		})
		var left sync.WaitGroup
		twice := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			if b.calls.Load() > 0 { // a lookup
				return invoker(ctx, method, req, reply, cc, opts...)
			}
			if hedged {
				left.Go(func() { _ = invoker(context.WithoutCancel(ctx), method, req, new(text), cc) })
			} else {
				_ = invoker(ctx, method, req, reply, cc, opts...)
			}
			require.Eventually(t, func() bool { return happened.Load() == 1 }, time.Minute, time.Millisecond)
			return invoker(ctx, method, req, reply, cc, opts...)
		}
		r := retrier(t, retry.Config{})
		conn := dial(t, b.addr, grpcretry.Config{Retrier: r}, grpc.WithChainUnaryInterceptor(twice))
		value, err := retry.DoOnce(t.Context(), r, payment(conn, nil))
		close(release)
		left.Wait()
		require.NoError(t, err, name)
		require.Equal(t, "found", value, name)
		require.EqualValues(t, 1, happened.Load(), name)
	}
}

// An interceptor before ours takes no proof away, and one after ours does, whatever it does.
func TestInterceptorsAround(t *testing.T) {
	dead := nobodyThere(t)
	through := grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return invoker(ctx, method, req, reply, cc, opts...)
	})
	opts, err := grpcretry.DialOptions(grpcretry.Config{Retrier: retrier(t, retry.Config{}), Idempotent: rates})
	require.NoError(t, err)

	_, err = invoke(t.Context(), bare(t, dead, append([]grpc.DialOption{through}, opts...)...), pay, "x")
	require.ErrorIs(t, err, retry.ErrAttempts)
	require.True(t, ending(t, err).Repeatable())

	after := bare(t, dead, append(opts, through)...)
	_, err = invoke(t.Context(), after, pay, "x")
	require.ErrorIs(t, err, retry.ErrDoubt)
	require.Equal(t, 1, ending(t, err).Attempts)
	require.Contains(t, ending(t, err).Advice, "pass grpcretry.DialOptions last")
	_, err = invoke(t.Context(), after, rate, "x")
	require.ErrorIs(t, err, retry.ErrAttempts, "a method that may be repeated needs no proof")
}

// With the caller's assurance that nothing below sends again, a refusal by the server is a
// proof, whatever is below.
func TestInterceptorAfterAndNoReplay(t *testing.T) {
	b := startBank(t, failing(status.New(codes.FailedPrecondition, "")))
	through := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return invoker(ctx, method, req, reply, cc, opts...)
	}
	r := retrier(t, retry.Config{})
	op := payment(dial(t, b.addr, grpcretry.Config{Retrier: r}, grpc.WithChainUnaryInterceptor(through)), nil)
	looked := 0
	op.Verify = func(context.Context) (string, retry.Outcome, error) { looked++; return "found", retry.Applied, nil }
	value, err := retry.DoOnce(t.Context(), r, op)
	require.NoError(t, err)
	require.Equal(t, "found", value)
	require.Equal(t, 1, looked)

	op.ID, op.NoReplay = "inv-9", true
	_, err = retry.DoOnce(t.Context(), r, op)
	require.ErrorIs(t, err, retry.ErrFatal)
	require.Equal(t, classify.NotApplied, ending(t, err).Effect)
	require.Equal(t, 1, looked)
}
