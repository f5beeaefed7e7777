package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// callers is how many there are at the same time, each with its next operation
// as soon as the last is through.
const callers = 32

// A kase is one way to share keys. start returns what a caller does for one operation.
type kase struct {
	name  string
	start func(*network) (operation, error)
}

type operation func(context.Context) error

var kases = []kase{
	{"ungated clock nonces", ungated},
	{"InFlight 1", lanes(1, nonce.LaneConfig{})},
	{"InFlight 2", lanes(1, nonce.LaneConfig{InFlight: 2})},
	{"InFlight 4", lanes(1, nonce.LaneConfig{InFlight: 4})},
	{"adaptive", lanes(1, nonce.LaneConfig{Adaptive: true})},
	{"8 keys", lanes(8, nonce.LaneConfig{})},
	{"16 keys", lanes(16, nonce.LaneConfig{})},
}

// ungated is what people write without a lane: the clock is the nonce, and three
// attempts are made.
func ungated(n *network) (operation, error) {
	return func(context.Context) (err error) {
		for range 3 {
			if err = n.send("key", uint64(time.Now().UnixMicro())); err == nil {
				return nil
			}
		}
		return err
	}, nil
}

// lanes runs operations through the engine, on so many keys.
func lanes(keys int, c nonce.LaneConfig) func(*network) (operation, error) {
	return func(n *network) (operation, error) {
		var all []*nonce.Lane
		for i := range keys {
			c.Key = fmt.Sprintf("key %d", i)
			l, err := nonce.NewLane(c)
			if err != nil {
				return nil, err
			}
			all = append(all, l)
		}
		pool, err := nonce.NewPool(all...)
		if err != nil {
			return nil, err
		}
		r, err := retry.New(retry.Config{Nonces: pool})
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error { return retry.Do(ctx, r, n.request) }, nil
	}
}

// request sends one with the ticket in its context.
func (n *network) request(ctx context.Context) error {
	t, ok := nonce.FromContext(ctx)
	if !ok {
		return fmt.Errorf("no ticket")
	}
	return n.send(t.Key(), t.Nonce())
}
