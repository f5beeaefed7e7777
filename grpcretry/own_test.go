package grpcretry_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// serviceConfig has gRPC send each call four times by itself.
const serviceConfig = `{"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":4,"initialBackoff":"0.001s",
	"maxBackoff":"0.002s","backoffMultiplier":2,"retryableStatusCodes":["UNAVAILABLE"]}}]}`

// gRPC's own retry is off, whatever the service config says; beside another interceptor
// like ours it would multiply.
func TestGRPCsOwnRetryIsOff(t *testing.T) {
	b := startBank(t, failing(status.New(codes.Unavailable, "")))
	own := grpc.WithDefaultServiceConfig(serviceConfig)

	_, err := invoke(t.Context(), bare(t, b.addr, own), pay, "x")
	require.Error(t, err)
	require.EqualValues(t, 4, b.calls.Swap(0), "what gRPC does, with a payment too")

	again := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) (err error) {
		for range 4 {
			if err = invoker(ctx, method, req, reply, cc, opts...); err == nil {
				return nil
			}
		}
		return err
	}
	_, err = invoke(t.Context(), bare(t, b.addr, own, grpc.WithUnaryInterceptor(again)), pay, "x")
	require.Error(t, err)
	require.EqualValues(t, 16, b.calls.Swap(0), "what they come to together")

	conn := dial(t, b.addr, grpcretry.Config{}, own)
	for method, sends := range map[string]int64{rate: 4, pay: 1} {
		_, err = invoke(t.Context(), conn, method, "x")
		require.Error(t, err)
		require.Equal(t, sends, b.calls.Swap(0), method)
	}
}

// An interceptor below that sends a call again by itself is told of, and its errors are
// no proof.
func TestInterceptorBelowThatSendsAgain(t *testing.T) {
	b := startBank(t, func(context.Context, int64, *text) (*text, error) { return nil, status.Error(codes.Unavailable, "") })
	var warned atomic.Int64
	r := retrier(t, retry.Config{OnEvent: func(_ context.Context, e retry.Event) {
		if e.Kind == retry.EventWarning {
			warned.Add(1)
			require.Equal(t, rate, e.Name)
			require.Contains(t, e.Error, "by itself")
		}
	}})
	twice := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		_ = invoker(ctx, method, req, reply, cc, opts...)
		return invoker(ctx, method, req, reply, cc, opts...)
	}
	_, err := invoke(t.Context(), dial(t, b.addr, grpcretry.Config{Retrier: r}, grpc.WithChainUnaryInterceptor(twice)), rate, "x")
	require.ErrorIs(t, err, retry.ErrAttempts)
	require.EqualValues(t, 8, b.calls.Load())
	require.EqualValues(t, 4, warned.Load())
}

// A refusing server speaks as much HTTP/2 as it takes to count calls, and to do nothing with them.
type refusing struct {
	addr    string
	streams atomic.Int64
}

func refuse(t *testing.T, goAway bool) *refusing {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &refusing{addr: lis.Addr().String()}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer conn.Close()
				r.serve(conn, goAway)
			})
		}
	})
	t.Cleanup(func() {
		_ = lis.Close()
		served.Wait()
	})
	return r
}

func (r *refusing) serve(conn net.Conn, goAway bool) {
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(conn, make([]byte, 24)); err != nil { // the preface
		return
	}
	_, _ = conn.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
	for head := make([]byte, 9); ; {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, conn, int64(head[0])<<16|int64(head[1])<<8|int64(head[2])); err != nil {
			return
		}
		switch {
		case head[3] == 4 && head[4] == 0: // SETTINGS
			_, _ = conn.Write([]byte{0, 0, 0, 4, 1, 0, 0, 0, 0})
		case head[3] == 1 && goAway: // HEADERS; the last stream that was processed is 0
			r.streams.Add(1)
			_, _ = conn.Write([]byte{0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
			_, _ = io.Copy(io.Discard, conn)
			return
		case head[3] == 1:
			r.streams.Add(1)
			_, _ = conn.Write(binary.BigEndian.AppendUint32(append([]byte{0, 0, 4, 3, 0}, head[5:9]...), 7))
		}
	}
}

// What the server says it has not processed gRPC sends once more, retry or no retry. What it
// then still refuses looks like any lost connection, so for a call that is not safe it is
// doubt.
func TestTransparentRetries(t *testing.T) {
	for name, goAway := range map[string]bool{"GOAWAY": true, "REFUSED_STREAM": false} {
		s := refuse(t, goAway)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := invoke(ctx, bare(t, s.addr, grpc.WithDisableRetry()), pay, "x")
		cancel()
		t.Log(name, "without us:", s.streams.Load(), err)
		require.EqualValues(t, 2, s.streams.Swap(0), name)
		r := retrier(t, retry.Config{Policies: quick(t, policy.Table{})})
		conn := dial(t, s.addr, grpcretry.Config{Retrier: r})
		_, err = invoke(t.Context(), conn, pay, "x")
		t.Log(name, "ours:", s.streams.Load(), err)
		_, err = invoke(t.Context(), conn, rate, "x")
		t.Log(name, "ours:", s.streams.Load(), err)
	}
}
