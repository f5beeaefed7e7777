package grpcretry

import (
	"errors"

	"google.golang.org/grpc"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// Config says how calls are made. Retrier is required; the other fields may be zero.
type Config struct {
	// Retrier decides, and remembers. Its policies need rules for gRPC's codes: those of
	// [Policies], or a file that extends grpc or google-rpc. Share it between all that
	// call the same API.
	Retrier *retry.Retrier

	// Idempotent reports whether a method, "/bank.v1.Rates/Get", may be repeated whatever
	// became of the call before. It must be quick, and safe for concurrent use. Nil:
	// [Declared].
	Idempotent func(method string) bool

	// Endpoint says which part of the API a call is for, see retry.Endpoint, by the
	// target of the connection and the method. Nil: the target, as it was given to
	// grpc.NewClient.
	Endpoint func(target, method string) string
}

// DialOptions returns what to give to grpc.NewClient: the interceptor, and
// grpc.WithDisableRetry, as gRPC's retry and this one would multiply. Interceptors
// that are given before see each call once, those after see each attempt. Calls with
// streams are passed through.
//
// It reports everything that is wrong with the Config in one error.
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
			"set its Policies to grpcretry.Policies(), or to what is made of them")
	}
	return nil
}

// knows reports whether a catalog has a rule for each of gRPC's codes, written so.
func knows(c *classify.Catalog, written func(code) classify.Code) bool {
	for i := range names[1:] {
		if _, ok := c.Lookup(written(code(i + 1))); !ok {
			return false
		}
	}
	return true
}
