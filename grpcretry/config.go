package grpcretry

import (
	"errors"

	"google.golang.org/grpc"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// Config configures [DialOptions]. Retrier is required; the other fields may be zero.
type Config struct {
	// Retrier makes the decisions and keeps the state. Its policies need rules for gRPC's
	// codes: use [Policies], or a file that extends grpc or google-rpc. Share it between
	// all callers of the same API.
	Retrier *retry.Retrier

	// Idempotent reports whether a method, for example "/bank.v1.Rates/Get", may be
	// repeated after any outcome. It must be quick and safe for concurrent use. Nil means
	// [Declared].
	Idempotent func(method string) bool

	// Endpoint returns the part of the API that a call is for, from the target of the
	// connection and the method; see retry.Endpoint. Nil means the target as passed to
	// grpc.NewClient.
	Endpoint func(target, method string) string
}

// DialOptions returns the options for grpc.NewClient: the interceptor, and
// grpc.WithDisableRetry, because gRPC's retries and ours would multiply. Pass them after
// all other interceptors, which then see each call once: with one after ours, which sees
// each attempt, there is no proof that a call was not sent. Streams pass through unchanged.
//
// The error lists everything that is wrong with the Config.
func DialOptions(c Config) ([]grpc.DialOption, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	i := &interceptor{retrier: c.Retrier, idempotent: c.Idempotent, endpoint: c.Endpoint}
	if i.idempotent == nil {
		i.idempotent = Declared
	}
	if i.endpoint == nil {
		i.endpoint = func(target, _ string) string { return target }
	}
	return []grpc.DialOption{grpc.WithDisableRetry(), grpc.WithChainUnaryInterceptor(i.unary)}, nil
}

func (c *Config) check() error {
	if c.Retrier == nil {
		return errors.New("grpcretry: Config.Retrier is nil; was the error of retry.New checked?")
	}
	if catalog := c.Retrier.Catalog(); catalog != nil && !knows(catalog, name) && !knows(catalog, number) {
		return errors.New("grpcretry: the catalog of the Retrier has no rules for gRPC's codes, so nothing would be sent again: " +
			"set its Policies to grpcretry.Policies(), or to a set derived from them")
	}
	return nil
}

// knows reports whether a catalog has a rule for each of gRPC's codes, written by this
// function.
func knows(c *classify.Catalog, written func(code) classify.Code) bool {
	for i := range names[1:] {
		if _, ok := c.Lookup(written(code(i + 1))); !ok {
			return false
		}
	}
	return true
}
