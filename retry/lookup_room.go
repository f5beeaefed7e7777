package retry

import (
	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/gate"
)

// lookupsAtOnce is how many lookups of one Retrier are on the wire together where
// no turn on a key has to be taken.
const lookupsAtOnce = 32

// A lookupRoom is where the lookups on one key wait for each other: one at a time
// where there are turns on it, so that they stand in nobody's way.
type lookupRoom struct {
	gate.Gate
	breaker *breaker.Breaker
}

func (r *Retrier) lookupRoom(key string) *lookupRoom {
	return r.lookups.Of(key, func(room *lookupRoom) {
		room.breaker, _ = breaker.New(breaker.Config{Name: "lookups"}) // the defaults are valid
		if room.Gate = gate.New(lookupsAtOnce); r.nonces != nil {
			room.Gate = gate.New(1)
		}
	})
}

// beside is the breaker of the lookups where payments have one: lookups that fail
// are no reason not to pay.
func (room *lookupRoom) beside(payments *breaker.Breaker) *breaker.Breaker {
	if payments == nil {
		return nil
	}
	return room.breaker
}
