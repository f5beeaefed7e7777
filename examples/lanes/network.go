package main

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// How long each request takes. The server processes any number at the same time.
const (
	oneWay  = 5 * time.Millisecond // the request, and the answer as well
	jitter  = 5 * time.Millisecond // mean of what is added to oneWay, exponentially distributed
	service = 20 * time.Millisecond
)

// A network carries requests to a server that requires increasing nonces of each key
// and checks them in the order in which the requests arrive.
type network struct {
	mu      sync.Mutex // guards highest
	highest map[string]uint64
}

func newNetwork() *network { return &network{highest: map[string]uint64{}} }

// newRandom returns the source of one caller's jitter.
func newRandom(seed uint64, caller int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(caller)))
}

// send sends one request and waits for the answer. Each caller has its own source of
// jitter, so that the results do not depend on which goroutine runs first.
func (n *network) send(random *rand.Rand, key string, nonce uint64) error {
	trip := func() time.Duration { return oneWay + time.Duration(random.ExpFloat64()*float64(jitter)) }
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
