package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// A caller makes one operation after the other and counts the results.
type caller struct {
	network *network
	random  *rand.Rand

	operations, failed int             // that ended within the measured time
	latencies          []time.Duration // of all operations, failed or not
	sends, refused     int
	onTheWire          time.Duration // of accepted requests
}

// An operation is one call of a program, with all its sends.
type operation func(*caller) error

// send sends one request of an operation.
func (c *caller) send(key string, nonce uint64) error {
	began := time.Now()
	err := c.network.send(c.random, key, nonce)
	c.sends++
	if err != nil {
		c.refused++
		return err
	}
	c.onTheWire += time.Since(began)
	return nil
}

// work makes operations until the end. The one in progress then does not count.
func (c *caller) work(op operation, end time.Time) {
	for {
		before, began := *c, time.Now()
		err := op(c)
		if time.Now().After(end) {
			*c = before
			return
		}
		c.operations++
		c.latencies = append(c.latencies, time.Since(began))
		if err != nil {
			c.failed++
		}
	}
}

// ungated is what people write by hand: the clock is the nonce, and a refused request
// is sent up to three times.
func ungated(c *caller) (err error) {
	for range 3 {
		if err = c.send("key", uint64(time.Now().UnixMicro())); err == nil {
			return nil
		}
	}
	return err
}

// inTurn is retry.Do with nonces from a lane or a pool, so that operations take turns.
func inTurn(source nonce.Source) operation {
	r, err := retry.New(retry.Config{Nonces: source})
	if err != nil {
		panic(err)
	}
	return func(c *caller) error {
		return retry.Do(context.Background(), r, func(ctx context.Context) error {
			ticket, _ := nonce.FromContext(ctx)
			return c.send(ticket.Key(), ticket.Nonce())
		})
	}
}
