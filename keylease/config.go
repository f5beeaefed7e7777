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

// Config sets which keys processes share, and how. Store and Keys are required, and must
// be the same in all processes.
type Config struct {
	// Store keeps the records. Its methods get a context that ends after a third of TTL.
	Store Store

	// Keys are the names of the API keys, never the secrets: at most 10,000, each once,
	// with the limits of nonce.LaneConfig.Key.
	Keys []string

	// Owner names this process in the store, in events and errors; at most 256 bytes. No
	// two processes may have the same name, and a process that restarts needs a new one:
	// the store takes a known name for a process that is still running. Empty means a
	// random name, which suits most programs. To see the host's name, put it first:
	// "payout-3-" + rand.Text().
	Owner string

	// TTL is how long a process holds a key without renewing it. It is the longest time
	// for which the key of a crashed process is unused, and for which the store may fail
	// without effect. It must be the same in all processes. Zero means 10 s; it must be
	// between 100 ms and 1 h.
	TTL time.Duration

	// Most is how many keys this process takes at most. Zero means its share: the number
	// of keys divided by the number of living processes, rounded up.
	Most int

	// Lane configures the lane of each key: InFlight, Adaptive, Unit, MaxAhead, OnEvent.
	// Key, After, HighWater and Reserve must be zero: the lease sets them.
	Lane nonce.LaneConfig

	// OnTake, if not nil, is called when a key was taken, on its own goroutine. Use it to
	// call retry.Recover for operations that the former holder left open. ctx ends when
	// the key is returned or lost, and with Close, which waits for OnTake to return. The
	// key is in use meanwhile. A panic in OnTake is not contained and ends the program.
	OnTake func(ctx context.Context, key string)

	// OnEvent, if not nil, is called when keys are taken, returned or lost, and when the
	// store fails or recovers, one event after another, on a goroutine of its own.
	OnEvent func(Event)
}

// resolve fills in the defaults, or lists everything that is wrong.
func (c Config) resolve() (Config, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("keylease: Config."+format, args...)) }
	if c.Store == nil {
		wrong("Store is required")
	}
	c.Keys = slices.Sorted(slices.Values(c.Keys))
	switch {
	case len(c.Keys) == 0:
		wrong("Keys is empty: name at least one key")
	case len(c.Keys) > mostKeys:
		wrong("Keys has %d keys, more than %d", len(c.Keys), mostKeys)
	case len(slices.Compact(slices.Clone(c.Keys))) < len(c.Keys):
		wrong("Keys contains a key twice")
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
		wrong("Lane: Key, After, HighWater and Reserve must be zero: the lease sets them")
	}
	if len(errs) == 0 {
		errs = append(errs, c.tryLanes()...)
	}
	if c.Owner == "" {
		c.Owner = rand.Text()
	}
	return c, errors.Join(errs...)
}

// tryLanes finds what is wrong with keys and lanes before any key is taken.
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
