package main

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nexpay-go/resilience/nonce"
)

const callers = 32

// A measuredCase is one way in which all callers get their nonces.
type measuredCase struct {
	name string
	op   func() operation
}

// cases are in the order in which they are shown.
var cases = []measuredCase{
	{"ungated", func() operation { return ungated }},
	{"InFlight 1", lane(nonce.LaneConfig{InFlight: 1})},
	{"InFlight 2", lane(nonce.LaneConfig{InFlight: 2})},
	{"InFlight 4", lane(nonce.LaneConfig{InFlight: 4})},
	{"Adaptive", lane(nonce.LaneConfig{Adaptive: true})},
	{"8 keys", keys(8)},
	{"16 keys", keys(16)},
}

func lane(c nonce.LaneConfig) func() operation {
	return func() operation { return inTurn(newLane(c, "key")) }
}

func keys(n int) func() operation {
	return func() operation {
		var lanes []*nonce.Lane
		for i := range n {
			lanes = append(lanes, newLane(nonce.LaneConfig{}, fmt.Sprintf("key %d", i)))
		}
		pool, err := nonce.NewPool(lanes...)
		if err != nil {
			panic(err)
		}
		return inTurn(pool)
	}
}

func newLane(c nonce.LaneConfig, key string) *nonce.Lane {
	c.Key = key
	l, err := nonce.NewLane(c)
	if err != nil {
		panic(err)
	}
	return l
}

// measure lets every caller make calls for that long.
func (m measuredCase) measure(t *testing.T, seed uint64, length time.Duration) (f figures) {
	synctest.Test(t, func(*testing.T) {
		n, op, end := newNetwork(), m.op(), time.Now().Add(length)
		all := make([]*caller, callers)
		var wg sync.WaitGroup
		for i := range all {
			c := &caller{network: n, random: newRandom(seed, i)}
			all[i] = c
			wg.Go(func() {
				// They start one by one. At the same instant, the order would be random.
				time.Sleep(time.Duration(i) * time.Millisecond)
				c.work(op, end)
			})
		}
		wg.Wait()
		f = sum(all, length)
	})
	return f
}
