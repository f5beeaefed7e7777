package retry

import (
	"context"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/gate"
)

// lookupsAtOnce is how many lookups of one Retrier run at a time if they need no turn on a
// key.
const lookupsAtOnce = 32

// lookupRooms are the queues of the lookups, by key. A journal may name any number of keys,
// so a queue without lookups is dropped, and the breakers are bounded.
type lookupRooms struct {
	gates    gate.Keyed
	breakers *breaker.Group
}

func newLookupRooms(turns bool) *lookupRooms {
	atOnce := lookupsAtOnce
	if turns {
		atOnce = 1
	}
	breakers, _ := breaker.NewGroup(breaker.Config{Name: "lookups"}, 0) // the defaults are valid
	return &lookupRooms{gate.Keyed{Most: atOnce}, breakers}
}

// A lookupRoom is a place in the queue of the lookups on one key. If there are turns on the
// key, one lookup runs at a time, so that lookups do not delay payments.
type lookupRoom struct {
	all *lookupRooms
	key string
}

func (r *Retrier) lookupRoom(key string) *lookupRoom { return &lookupRoom{r.lookups, key} }

// Enter waits for its turn. It returns false if ctx ended first.
func (room *lookupRoom) Enter(ctx context.Context) bool { return room.all.gates.Enter(ctx, room.key) }

// Leave ends its turn.
func (room *lookupRoom) Leave() { room.all.gates.Leave(room.key) }

// beside returns the breaker of the lookups if payments have one. It is separate, because
// failing lookups are no reason not to pay.
func (room *lookupRoom) beside(payments *breaker.Breaker) *breaker.Breaker {
	if payments == nil {
		return nil
	}
	return room.all.breakers.Get(room.key)
}
