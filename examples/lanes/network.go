package main

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// What the network is like.
const (
	oneWay    = 5 * time.Millisecond  // at least
	jitter    = 5 * time.Millisecond  // on top, exponential, each way
	service   = 20 * time.Millisecond // at the server, any number at the same time
	roundTrip = 2*(oneWay+jitter) + service
)

// A network is the way to a server and back. The server takes a request of a key
// only if its nonce is above all it has seen.
type network struct {
	mu      sync.Mutex // guards what follows
	random  *rand.Rand
	last    map[string]uint64
	sends   int
	refused int
}

func newNetwork(seed uint64) *network {
	return &network{random: rand.New(rand.NewPCG(seed, 0)), last: map[string]uint64{}}
}

// way is how long one message travels.
func (n *network) way() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return oneWay + time.Duration(n.random.ExpFloat64()*float64(jitter))
}

// send sends a request and waits for its answer.
func (n *network) send(key string, nonce uint64) error {
	time.Sleep(n.way())
	if !n.accept(key, nonce) {
		time.Sleep(n.way())
		return &classify.Error{Status: 403, Details: []classify.Detail{{Code: 50}}}
	}
	time.Sleep(service)
	time.Sleep(n.way())
	return nil
}

func (n *network) accept(key string, nonce uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sends++
	if nonce <= n.last[key] {
		n.refused++
		return false
	}
	n.last[key] = nonce
	return true
}
