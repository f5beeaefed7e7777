package retry

import (
	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/gate"
)

// lookupsAtOnce is how many lookups of one Retrier run at a time if they need no turn on a
// key.
const lookupsAtOnce = 32

// A lookupRoom is the queue of the lookups on one key. If there are turns on the key, it
// lets one lookup run at a time, so that lookups do not delay payments.
type lookupRoom struct {
	gate.Gate
	breaker *breaker.Breaker
}

func (r *Retrier) lookupRoom(key string) *lookupRoom {
	return r.lookups.Get(key, func(room *lookupRoom) {
		room.breaker, _ = breaker.New(breaker.Config{Name: "lookups"}) // the defaults are valid
		if room.Gate = gate.New(lookupsAtOnce); r.nonces != nil {
			room.Gate = gate.New(1)
		}
	})
}

// beside returns the breaker of the lookups if payments have one. It is separate, because
// failing lookups are no reason not to pay.
func (room *lookupRoom) beside(payments *breaker.Breaker) *breaker.Breaker {
	if payments == nil {
		return nil
	}
	return room.breaker
}
