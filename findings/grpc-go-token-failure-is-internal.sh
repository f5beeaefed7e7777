#!/bin/bash
# grpc-go calls one and the same missing token UNAUTHENTICATED or INTERNAL, by where the credentials were given.
#
# Run on 2026-11-28 with google.golang.org/grpc v1.85.0 and go1.26 on loopback: a server that counts what arrives, and
# credentials whose GetRequestMetadata returns an error, as those do that cannot reach their token endpoint.
#
#   credentials of the connection (WithPerRPCCredentials): Unauthenticated, requests 0
#   credentials of the call (PerRPCCredentials):           Internal, requests 0
#   a connection that was closed, the context is alive:    Canceled, requests 0
#   a server that answers Internal:                        Internal, requests 1
#
# So by its code alone a call that never left is what the server's own crash is: a payment
# in doubt, or, where INTERNAL is not sent again, one that waits for a person. And a Canceled is
# not the caller's. grpcretry tells them apart by whether gRPC opened a stream, and calls
# the first three not sent; docs/grpc.md says so, its tests hold it.
#
# Usage: findings/grpc-go-token-failure-is-internal.sh
#
# Needs Go and a module proxy. Exit status: 0 if it is as above, 1 if not, 2 if it could
# not be run.
set -eu -o pipefail
export GOFLAGS=-mod=mod GOWORK=off

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'EOF'
module finding

go 1.26
EOF
cat >main.go <<'EOF'
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

type noToken struct{}

func (noToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return nil, errors.New("token endpoint: connection refused")
}
func (noToken) RequireTransportSecurity() bool { return false }

var arrived atomic.Int64

func main() {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	s := grpc.NewServer(grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
		arrived.Add(1)
		return status.Error(codes.Internal, "crashed")
	}))
	go s.Serve(lis)
	defer s.Stop()
	plain := grpc.WithTransportCredentials(insecure.NewCredentials())
	dial := func(opts ...grpc.DialOption) *grpc.ClientConn {
		conn, err := grpc.NewClient(lis.Addr().String(), append(opts, plain)...)
		if err != nil {
			fmt.Println(err)
			os.Exit(2)
		}
		return conn
	}
	closed := dial()
	closed.Close()
	wrong := false
	for _, c := range []struct {
		name     string
		conn     *grpc.ClientConn
		opts     []grpc.CallOption
		want     codes.Code
		requests int64
	}{
		{"credentials of the connection", dial(grpc.WithPerRPCCredentials(noToken{})), nil, codes.Unauthenticated, 0},
		{"credentials of the call", dial(), []grpc.CallOption{grpc.PerRPCCredentials(noToken{})}, codes.Internal, 0},
		{"a closed connection", closed, nil, codes.Canceled, 0},
		{"the server's own", dial(), nil, codes.Internal, 1},
	} {
		arrived.Store(0)
		ctx := context.Background()
		err := c.conn.Invoke(ctx, "/bank.v1.Payments/Pay", new(emptypb.Empty), new(emptypb.Empty), c.opts...)
		fmt.Printf("%s: %v, requests %d, context: %v\n", c.name, status.Code(err), arrived.Load(), ctx.Err())
		wrong = wrong || status.Code(err) != c.want || arrived.Load() != c.requests
	}
	if wrong {
		os.Exit(1)
	}
}
EOF
{ go get google.golang.org/grpc@v1.85.0 && go build -o finding .; } >log 2>&1 || { cat log; exit 2; }
./finding
