package retry

import (
	"sync"

	"github.com/nexpay-go/resilience/breaker"
)

// lookupsAtOnce is how many lookups of one Retrier are on the wire together where
// no turn on a key has to be taken.
const lookupsAtOnce = 32

// lookups are those of a Retrier that are under way, by key: one at a time where
// there are turns on a key, so that they stand in nobody's way.
type lookups struct {
	mu   sync.Mutex // guards keys
	keys map[string]*lookupRoom
}

// A lookupRoom is where the lookups on one key wait for each other.
type lookupRoom struct {
	gate

	mu      sync.Mutex // guards breaker
	breaker *breaker.Breaker
}

// of returns the room of a key. turns says that there are turns on it.
func (l *lookups) of(key string, turns bool) *lookupRoom {
	l.mu.Lock()
	defer l.mu.Unlock()
	room := l.keys[key]
	if room == nil {
		slots := lookupsAtOnce
		if turns {
			slots = 1
		}
		room = &lookupRoom{gate: make(gate, slots)}
		if l.keys == nil {
			l.keys = make(map[string]*lookupRoom)
		}
		l.keys[key] = room
	}
	return room
}

// breakerBeside is the breaker of the lookups on this key where payments have one:
// lookups that fail are no reason not to pay.
func (r *lookupRoom) breakerBeside(payments *breaker.Breaker) *breaker.Breaker {
	if payments == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.breaker == nil {
		r.breaker, _ = breaker.New(breaker.Config{Name: payments.Name() + " (lookups)"}) // the defaults are valid
	}
	return r.breaker
}
