package grpcretry

import (
	"time"

	"google.golang.org/grpc"
)

// IdempotentFor is for a call whose request carries a key, a request id say, by which the
// API keeps it from happening twice for that long: it is sent again after doubt too, the
// same request with the same key, see retry.ResendWithin. Zero or less says nothing. The
// key belongs to the operation: make it before the first call, and keep it.
//
//	client.Charge(ctx, req, grpcretry.IdempotentFor(24*time.Hour))
func IdempotentFor(keeps time.Duration) grpc.CallOption { return idempotentFor{keeps: keeps} }

type idempotentFor struct {
	grpc.EmptyCallOption
	keeps time.Duration
}

// keeps is what the last IdempotentFor says.
func keeps(opts []grpc.CallOption) (keeps time.Duration) {
	for _, o := range opts {
		if k, ok := o.(idempotentFor); ok {
			keeps = max(k.keeps, 0)
		}
	}
	return keeps
}
