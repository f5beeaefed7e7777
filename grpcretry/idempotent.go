package grpcretry

import (
	"time"

	"google.golang.org/grpc"
)

// IdempotentFor marks a call whose request carries a key, for example a request id, by
// which the API prevents a second execution for the duration keeps. Such a call is sent
// again after doubt too, with the same request and the same key; see retry.ResendWithin.
// Zero or less has no effect. The key belongs to the operation: make it before the first
// call, and keep it.
//
//	client.Charge(ctx, req, grpcretry.IdempotentFor(24*time.Hour))
func IdempotentFor(keeps time.Duration) grpc.CallOption { return idempotentFor{keeps: keeps} }

type idempotentFor struct {
	grpc.EmptyCallOption
	keeps time.Duration
}

// keeps returns the duration of the last IdempotentFor.
func keeps(opts []grpc.CallOption) (keeps time.Duration) {
	for _, o := range opts {
		if k, ok := o.(idempotentFor); ok {
			keeps = max(k.keeps, 0)
		}
	}
	return keeps
}
