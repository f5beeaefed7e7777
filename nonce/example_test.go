package nonce_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/nonce"
)

func ExampleLane() {
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var wg sync.WaitGroup
	var last uint64
	for range 100 {
		wg.Go(func() {
			ticket, err := lane.Enter(context.Background())
			if err != nil {
				return
			}
			defer ticket.Leave()
			// Sign, send and wait for the answer here.
			if ticket.Nonce() <= last {
				fmt.Println("the API would refuse this one")
			}
			last = ticket.Nonce() // no lock needed: it is our turn
		})
	}
	wg.Wait()
	fmt.Println("last nonce on", lane.Key(), "is the lane's last:", last == lane.Last())
	// Output: last nonce on main is the lane's last: true
}

// All that is wrong is told at once.
func ExampleNewLane() {
	_, err := nonce.NewLane(nonce.LaneConfig{InFlight: -1, Unit: time.Nanosecond})
	fmt.Println(err)
	// Output:
	// nonce: LaneConfig.Key is required: the name of the API key
	// nonce: LaneConfig.InFlight -1 is negative
	// nonce: LaneConfig.Unit is a nanosecond: nanoseconds since 1970 are above 9007199254740989, the highest nonce
}

// A key that was in use is told where it was, in case the clock is behind.
func ExampleLaneConfig() {
	old, _ := nonce.NewLane(nonce.LaneConfig{Key: "main", After: 5_000_000_000_000_000})
	ticket, _ := old.Enter(context.Background())
	ticket.Leave()
	saved := old.Last() // to a file, say

	lane, _ := nonce.NewLane(nonce.LaneConfig{Key: "main", After: saved})
	ticket, _ = lane.Enter(context.Background())
	defer ticket.Leave()
	fmt.Println(ticket.Nonce())
	// Output: 5000000000000002
}

func ExampleLane_EnterUnless() {
	lane, _ := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	errLocked := errors.New("code 100, API key locked")
	_, err := lane.EnterUnless(context.Background(), func(key string) error { return errLocked })
	fmt.Println(err)
	fmt.Println(errors.Is(err, errLocked))
	// Output:
	// nonce: key "main" is locked: code 100, API key locked
	// true
}

func ExampleTicket_Resync() {
	lane, _ := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	ticket, _ := lane.Enter(context.Background())
	defer ticket.Leave() // ends the turn, whatever was resynced

	newer, err := ticket.Resync(context.Background()) // the API answered with code 50: send again at once
	fmt.Println(newer.Nonce() > ticket.Nonce(), err)
	// Output: true <nil>
}

func ExamplePool() {
	var lanes []*nonce.Lane
	for _, key := range []string{"first", "second", "third"} {
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
	for range 3 { // three requests at once, and none waits for another
		ticket, err := pool.Enter(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		defer ticket.Leave()
		fmt.Println(ticket.Key())
	}
	// Unordered output:
	// first
	// second
	// third
}

// A pinned operation stays on the key it began with.
func ExamplePool_EnterKey() {
	a, _ := nonce.NewLane(nonce.LaneConfig{Key: "a"})
	b, _ := nonce.NewLane(nonce.LaneConfig{Key: "b"})
	pool, _ := nonce.NewPool(a, b)
	ticket, _ := pool.EnterKey(context.Background(), "b")
	defer ticket.Leave()
	_, err := pool.EnterKey(context.Background(), "c")
	fmt.Println(ticket.Key(), errors.Is(err, nonce.ErrUnknownKey))
	// Output: b true
}

// counter is a source of one's own: here it counts in memory, in earnest it would be a row in a database, and the turn
// a lock on it.
type counter struct {
	turn chan struct{}
	last atomic.Uint64
}

func (c *counter) Enter(ctx context.Context) (*nonce.Ticket, error) {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return nonce.NewTicket("shared", c.last.Add(1), c.renew, func() { <-c.turn }), nil
}

func (c *counter) renew(context.Context, bool) (*nonce.Ticket, error) {
	return nonce.NewTicket("shared", c.last.Add(1), nil, nil), nil // of this one, only key and nonce are looked at
}

func ExampleNewTicket() {
	var source nonce.Source = &counter{turn: make(chan struct{}, 1)}
	for range 2 {
		ticket, err := source.Enter(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		newer, _ := ticket.Resync(context.Background())
		fmt.Println(ticket.Key(), ticket.Nonce(), newer.Nonce())
		newer.Leave()
	}
	// Output:
	// shared 1 2
	// shared 3 4
}

func ExampleFromContext() {
	sign := func(ctx context.Context) string {
		ticket, ok := nonce.FromContext(ctx)
		if !ok {
			return "no ticket: nobody decided on a nonce"
		}
		return fmt.Sprintf("X-NONCE: %d", ticket.Nonce())
	}
	ctx := context.Background()
	fmt.Println(sign(ctx))
	fmt.Println(sign(nonce.NewContext(ctx, nonce.NewTicket("main", 42, nil, nil))))
	// Output:
	// no ticket: nobody decided on a nonce
	// X-NONCE: 42
}

// Payments do not wait for reads: each have a key and a lane, and so a Retrier, of their own.
func ExampleLane_reads() {
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
	slow, err := reads.Enter(context.Background()) // a history that takes its time
	if err != nil {
		fmt.Println(err)
		return
	}
	defer slow.Leave()
	ticket, err := payments.Enter(context.Background()) // begins at once
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ticket.Leave()
	fmt.Println(slow.Key(), ticket.Key())
	// Output: reads payments
}

// The file remembers where the lane was, whatever becomes of the clock.
func ExampleLane_Close() {
	folder, err := os.MkdirTemp("", "nonce")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	config := nonce.LaneConfig{Key: "main", HighWater: filepath.Join(folder, "main.nonce")}
	lane, err := nonce.NewLane(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	ticket, err := lane.Enter(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	ticket.Leave()

	_, err = nonce.NewLane(config)
	fmt.Println(errors.Is(err, nonce.ErrInUse))
	fmt.Println(lane.Close())
	again, err := nonce.NewLane(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer again.Close()
	fmt.Println(again.Last() == ticket.Nonce())
	// Output:
	// true
	// <nil>
	// true
}

func ExampleLane_Stats() {
	lane, _ := nonce.NewLane(nonce.LaneConfig{Key: "main", Adaptive: true})
	ticket, _ := lane.Enter(context.Background())
	defer ticket.Leave()
	s := lane.Stats()
	fmt.Println(s.Key, s.InFlight, "of", s.Limit, "in flight,", s.Waiting, "waiting")
	// Output: main 1 of 1 in flight, 0 waiting
}

// The requests of one turn, one after the other.
func ExampleTicket_Next() {
	lane, _ := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	ticket, _ := lane.Enter(context.Background())
	defer ticket.Leave()
	second, err := ticket.Next(context.Background())
	fmt.Println(second.Nonce() > ticket.Nonce(), err)
	// Output: true <nil>
}
