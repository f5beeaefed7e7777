package keylease

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/nonce"
)

// Bounds and defaults of a [Config].
const (
	defaultTTL = 10 * time.Second
	minTTL     = 100 * time.Millisecond
	maxTTL     = time.Hour
	mostKeys   = 10_000
)

// Config says which keys processes share, and how. Store and Keys are required, and the
// same for all of them.
type Config struct {
	// Store keeps the records. Its methods get a context that ends after a third of TTL.
	Store Store

	// Keys are the names of the API keys, never the secrets: at most 10,000, each once,
	// and as nonce.LaneConfig.Key has them.
	Keys []string

	// Owner names this process in the store, in events and errors. No two processes may
	// have one name, and one that starts again is another: a name is taken for a process
	// that is still there. Empty: a random one, which is right but where a person wants to
	// see the host's; that goes before: "payout-3-" + rand.Text().
	Owner string

	// TTL is for how long a process holds a key without a word from it: the longest that
	// a key whose process crashed is used by nobody, and that a store may be gone without
	// anybody noticing. All processes have the same. Zero: 10 s; from 100 ms to 1 h.
	TTL time.Duration

	// Most is how many keys this process takes at most. Zero: its share, as many as keys
	// divided by living processes are, rounded up.
	Most int

	// Lane is how the lane of each key is made: InFlight, Adaptive, Unit, MaxAhead,
	// OnEvent. Key, After, HighWater and Reserve must be zero: they are the lease's.
	Lane nonce.LaneConfig

	// OnTake, if not nil, is called when a key was taken, on a goroutine of its own: the
	// place for retry.Recover of the operations that its former holder has left open. ctx
	// ends when the key is given back or lost, and with Close, which waits for OnTake to
	// return. The key is in use meanwhile. A panic in it ends the program as any other does.
	OnTake func(ctx context.Context, key string)

	// OnEvent, if not nil, hears of keys that come and go, and of a store that does, one
	// after another. It is called on a goroutine that renews no key before it returns: it
	// should be quick.
	OnEvent func(Event)
}

// resolve puts in the defaults, or lists everything that is wrong.
func (c Config) resolve() (Config, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("keylease: Config."+format, args...)) }
	if c.Store == nil {
		wrong("Store is required")
	}
	c.Keys = slices.Sorted(slices.Values(c.Keys))
	switch {
	case len(c.Keys) == 0:
		wrong("Keys is empty: there is nothing to share")
	case len(c.Keys) > mostKeys:
		wrong("Keys are %d, more than %d", len(c.Keys), mostKeys)
	case len(slices.Compact(slices.Clone(c.Keys))) < len(c.Keys):
		wrong("Keys holds a key twice")
	}
	if c.TTL == 0 {
		c.TTL = defaultTTL
	}
	if c.TTL < minTTL || c.TTL > maxTTL {
		wrong("TTL %v is not between %v and %v", c.TTL, minTTL, maxTTL)
	}
	if c.Most < 0 {
		wrong("Most %d is negative", c.Most)
	}
	if len(c.Owner) > 256 {
		wrong("Owner is %d bytes long, more than 256", len(c.Owner))
	}
	if c.Lane.Key != "" || c.Lane.After != 0 || c.Lane.HighWater != "" || c.Lane.Reserve != nil {
		wrong("Lane: Key, After, HighWater and Reserve are the lease's, and must be zero")
	}
	if len(errs) == 0 {
		errs = append(errs, c.tryLanes()...)
	}
	if c.Owner == "" {
		c.Owner = rand.Text()
	}
	return c, errors.Join(errs...)
}

// tryLanes finds what is wrong with keys and lanes before anything is taken.
func (c *Config) tryLanes() (errs []error) {
	for _, key := range c.Keys {
		config := c.Lane
		config.Key = key
		if _, err := nonce.NewLane(config); err != nil {
			errs = append(errs, fmt.Errorf("keylease: %w", err))
		}
	}
	return errs
}
