package grpcretry

import (
	"context"
	"reflect"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// innermost reports whether an invoker is gRPC's own, so that no interceptor comes after
// ours. It compares functions, because gRPC does not offer that as a fact.
func innermost(invoker grpc.UnaryInvoker) bool {
	own := ownInvoker()
	return own != 0 && pointer(invoker) == own
}

// ownInvoker returns what gRPC passes to the last of two interceptors, or 0 if it passes
// the same to the first: then nothing shows which one is the last. No
// connection is made.
var ownInvoker = sync.OnceValue(func() uintptr {
	var first, last uintptr
	conn, err := grpc.NewClient("passthrough:///unused", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithChainUnaryInterceptor(
			func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				first = pointer(invoker)
				return invoker(ctx, method, req, reply, cc, opts...)
			},
			func(_ context.Context, _ string, _, _ any, _ *grpc.ClientConn, invoker grpc.UnaryInvoker, _ ...grpc.CallOption) error {
				last = pointer(invoker)
				return nil
			}))
	if err != nil {
		return 0
	}
	defer func() { _ = conn.Close() }()
	if conn.Invoke(context.Background(), "/", nil, nil) != nil || first == last {
		return 0
	}
	return last
})

func pointer(invoker grpc.UnaryInvoker) uintptr { return reflect.ValueOf(invoker).Pointer() }
