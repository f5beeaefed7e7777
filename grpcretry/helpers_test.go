package grpcretry_test

import (
	"context"
	"log"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

type text = wrapperspb.StringValue

const (
	pay  = "/bank.v1.Payments/Pay"  // not safe to repeat
	rate = "/bank.v1.Payments/Rate" // may be repeated
)

// A bank is a gRPC server on loopback. Its methods answer as handle says.
type bank struct {
	addr   string
	calls  atomic.Int64 // that its handlers got
	handle func(ctx context.Context, n int64, in *text) (*text, error)
	server *grpc.Server
}

func startBank(t testing.TB, handle func(ctx context.Context, n int64, in *text) (*text, error), opts ...grpc.ServerOption) *bank {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &bank{addr: lis.Addr().String(), handle: handle, server: grpc.NewServer(opts...)}
	method := func(name string) grpc.MethodDesc {
		return grpc.MethodDesc{MethodName: name, Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := new(text)
			if err := decode(in); err != nil {
				return nil, err
			}
			out, err := b.handle(ctx, b.calls.Add(1), in)
			if err != nil {
				return nil, err
			}
			return out, nil
		}}
	}
	b.server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bank.v1.Payments",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{method("Pay"), method("Rate")},
		Streams: []grpc.StreamDesc{{StreamName: "Watch", ServerStreams: true, ClientStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			b.calls.Add(1)
			_, err := b.handle(s.Context(), 0, nil)
			return err
		}}},
	}, b)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = b.server.Serve(lis)
	}()
	t.Cleanup(func() {
		b.server.Stop()
		<-served
	})
	return b
}

// failing answers every call with a status.
func failing(st *status.Status) func(context.Context, int64, *text) (*text, error) {
	return func(context.Context, int64, *text) (*text, error) { return nil, st.Err() }
}

func echoing(_ context.Context, _ int64, in *text) (*text, error) { return in, nil }

// quick are the policies with waits of a millisecond.
func quick(t testing.TB, change policy.Table) *policy.Set {
	t.Helper()
	if change.Default == (policy.Policy{}) {
		change.Default.Backoff = policy.Backoff{Initial: time.Millisecond, Max: 2 * time.Millisecond}
	}
	p, err := grpcretry.Policies().With(change)
	require.NoError(t, err)
	return p
}

func retrier(t testing.TB, c retry.Config) *retry.Retrier {
	t.Helper()
	if c.Policies == nil {
		c.Policies = quick(t, policy.Table{})
	}
	r, err := retry.New(c)
	require.NoError(t, err)
	return r
}

var insecureOption = grpc.WithTransportCredentials(insecure.NewCredentials())

// rates says that only rate may be repeated.
func rates(method string) bool { return method == rate }

// dial connects through the interceptor.
func dial(t testing.TB, addr string, c grpcretry.Config, more ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	if c.Retrier == nil {
		c.Retrier = retrier(t, retry.Config{})
	}
	if c.Idempotent == nil {
		c.Idempotent = rates
	}
	opts, err := grpcretry.DialOptions(c)
	require.NoError(t, err)
	return bare(t, addr, append(opts, more...)...)
}

// bare connects without it.
func bare(t testing.TB, addr string, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, append(opts, insecureOption)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func invoke(ctx context.Context, conn *grpc.ClientConn, method, in string, opts ...grpc.CallOption) (string, error) {
	out := new(text)
	err := conn.Invoke(ctx, method, wrapperspb.String(in), out, opts...)
	return out.GetValue(), err
}

// serve starts a server of bank.v1.Payments for an example.
func serve(methods map[string]func(string) (string, error)) (addr string, stop func()) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	desc := &grpc.ServiceDesc{ServiceName: "bank.v1.Payments", HandlerType: (*any)(nil)}
	for name, method := range methods {
		desc.Methods = append(desc.Methods, grpc.MethodDesc{MethodName: name, Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := new(text)
			if err := decode(in); err != nil {
				return nil, err
			}
			out, err := method(in.GetValue())
			if err != nil {
				return nil, err
			}
			return wrapperspb.String(out), nil
		}})
	}
	s := grpc.NewServer()
	s.RegisterService(desc, struct{}{})
	go func() { _ = s.Serve(lis) }()
	return lis.Addr().String(), s.Stop
}
