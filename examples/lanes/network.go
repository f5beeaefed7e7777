package main

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// What each request takes. The server works on as many at once as there are.
const (
	way     = 5 * time.Millisecond // there, and once more back
	jitter  = 5 * time.Millisecond // mean of what is added to each way, exponentially distributed
	service = 20 * time.Millisecond
)

// A network carries requests to a server that wants the nonces of each key to
// rise, and looks at them as they arrive.
type network struct {
	mu      sync.Mutex // guards highest
	highest map[string]uint64
}

func newNetwork() *network { return &network{highest: map[string]uint64{}} }

// newRandom returns the jitter of one caller.
func newRandom(seed uint64, caller int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(caller)))
}

// send sends one request and waits for the answer. The jitter comes from random,
// which is the caller's own: who runs first at a moment then changes nothing.
func (n *network) send(random *rand.Rand, key string, nonce uint64) error {
	trip := func() time.Duration { return way + time.Duration(random.ExpFloat64()*float64(jitter)) }
	there, back := trip(), trip()
	time.Sleep(there)
	if !n.accepts(key, nonce) {
		time.Sleep(back)
		return &classify.Error{Status: http.StatusBadRequest, Details: []classify.Detail{{Code: "50", Message: "Nonce is not monotonous"}}}
	}
	time.Sleep(service + back)
	return nil
}

func (n *network) accepts(key string, nonce uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if nonce <= n.highest[key] {
		return false
	}
	n.highest[key] = nonce
	return true
}
