package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

func Example_onePerProcess() {
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"}) // the key's name, never its secret
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Nonces: lane}) // share it between all calls
	if err != nil {
		fmt.Println(err)
		return
	}
	err = retry.Do(context.Background(), r, func(ctx context.Context) error {
		ticket, _ := nonce.FromContext(ctx)
		fmt.Println(ticket.Key())
		return nil
	})
	fmt.Println(err)
	// Output:
	// main
	// <nil>
}

func Example_pool() {
	clients := map[string]func(context.Context) error{}
	for _, key := range []string{"first", "second"} {
		clients[key] = func(context.Context) error { fmt.Println(key); return nil }
	}

	var lanes []*nonce.Lane
	for _, key := range []string{"first", "second"} {
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: key})
		if err != nil {
			fmt.Println(err)
			return
		}
		lanes = append(lanes, lane)
	}
	pool, err := nonce.NewPool(lanes...)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Nonces: pool})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		err = retry.Do(context.Background(), r, func(ctx context.Context) error {
			ticket, _ := nonce.FromContext(ctx)
			return clients[ticket.Key()](ctx) // sign with the key of the turn
		})
	}
	fmt.Println(err)
	// Unordered output:
	// first
	// second
	// <nil>
}

func Example_readsApart() {
	payments, err := nonce.NewLane(nonce.LaneConfig{Key: "payments"})
	if err != nil {
		fmt.Println(err)
		return
	}
	reads, err := nonce.NewLane(nonce.LaneConfig{Key: "reads", Adaptive: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	paying, err := retry.New(retry.Config{Nonces: payments})
	if err != nil {
		fmt.Println(err)
		return
	}
	reading, err := retry.New(retry.Config{Nonces: reads})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range []*retry.Retrier{paying, reading} {
		_ = retry.Do(context.Background(), r, func(ctx context.Context) error {
			ticket, _ := nonce.FromContext(ctx)
			fmt.Println(ticket.Key())
			return nil
		})
	}
	// Output:
	// payments
	// reads
}

func Example_highWater() {
	folder, err := os.MkdirTemp("", "lanes")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)

	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: filepath.Join(folder, "main.nonce")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lane.Close()
	_, err = nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: filepath.Join(folder, "main.nonce")})
	fmt.Println(errors.Is(err, nonce.ErrInUse))
	// Output: true
}

func Example_foreignWriter() {
	alarm := func(text string) { fmt.Println(text) }
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main", OnEvent: func(e nonce.Event) {
		if e.Kind == nonce.EventForeign {
			alarm("somebody else uses key " + e.Key) // e.Jump, e.Ahead: how far the lane went for it
		}
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Nonces: lane})
	if err != nil {
		fmt.Println(err)
		return
	}
	n := newNetwork()
	n.highest["main"] = nonce.MaxNonce
	c := caller{network: n, random: newRandom(1, 1)}
	err = retry.Do(context.Background(), r, func(ctx context.Context) error {
		ticket, _ := nonce.FromContext(ctx)
		return c.send(ticket.Key(), ticket.Nonce())
	})
	if foreign, ok := errors.AsType[*nonce.ForeignError](err); ok && errors.Is(err, retry.ErrResync) {
		alarm("give each process a key of its own: " + foreign.Key)
	}
	fmt.Println(lane.Stats().Foreign > 0)
	// Output:
	// somebody else uses key main
	// somebody else uses key main
	// give each process a key of its own: main
	// true
}
