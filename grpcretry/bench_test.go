package grpcretry_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// answering answers at once, where the network would be.
var answering = grpc.WithChainUnaryInterceptor(
	func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
		return nil
	})

// conns are three connections: without the interceptor, with it, and with an attempt
// timeout besides.
func conns(t testing.TB, addr string, more ...grpc.DialOption) map[string]*grpc.ClientConn {
	t.Helper()
	withBreaker := func(change policy.Table) *retry.Retrier {
		b, err := breaker.New(breaker.Config{})
		require.NoError(t, err)
		return retrier(t, retry.Config{Breaker: b, Policies: quick(t, change)})
	}
	return map[string]*grpc.ClientConn{
		"plain":   bare(t, addr, more...),
		"ours":    dial(t, addr, grpcretry.Config{Retrier: withBreaker(policy.Table{})}, more...),
		"timeout": dial(t, addr, grpcretry.Config{Retrier: withBreaker(policy.Table{AttemptTimeout: time.Minute})}, more...),
	}
}

// What is on top of a call that succeeds, without the network: six allocations at most.
func TestAllocations(t *testing.T) {
	in, out := wrapperspb.String("x"), new(text)
	perCall := map[string]float64{}
	for name, conn := range conns(t, "127.0.0.1:1", answering) {
		for _, method := range []string{rate, pay} {
			perCall[name+method] = testing.AllocsPerRun(200, func() {
				if err := conn.Invoke(t.Context(), method, in, out); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
	t.Log(perCall)
	if !raceEnabled {
		require.LessOrEqual(t, perCall["ours"+rate], 6.0)
		require.LessOrEqual(t, perCall["ours"+pay], 6.0)
		require.LessOrEqual(t, perCall["timeout"+pay], 6.0)
	}
}

func BenchmarkStubbed(b *testing.B) {
	in, out := wrapperspb.String("x"), new(text)
	for name, conn := range conns(b, "127.0.0.1:1", answering) {
		for _, method := range []string{rate, pay} {
			b.Run(name+method, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := conn.Invoke(b.Context(), method, in, out); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// With the network, and the server in the same process.
func BenchmarkLoopback(b *testing.B) {
	bank := startBank(b, echoing)
	in, out := wrapperspb.String("x"), new(text)
	for name, conn := range conns(b, bank.addr) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := conn.Invoke(b.Context(), pay, in, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
