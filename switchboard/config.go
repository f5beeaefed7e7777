package switchboard

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/breaker"
)

// Bounds and defaults of a [Config].
const (
	defaultPoll = 250 * time.Millisecond
	minPoll     = 10 * time.Millisecond
	maxPoll     = time.Minute
	firstPoll   = time.Second // that New waits for
)

// Config says what processes tell each other. Store and Lockout are required.
type Config struct {
	// Store is where they do.
	Store Store

	// Lockout is that of the Retrier: see retry.Retrier.Lockout.
	Lockout *breaker.Lockout

	// Breakers finds the breaker of a name that another process has isolated or reset: the
	// Get of a breaker.Group, or a function for the few there are. A nil result is passed
	// over. Nil: there are none.
	Breakers func(name string) *breaker.Breaker

	// Process names this one, for people: in lockouts that others hear of. Empty: a random
	// name.
	Process string

	// Poll is how often the store is asked. Zero: 250 ms; from 10 ms to a minute.
	Poll time.Duration

	// OnEvent, if not nil, hears when the store does not answer, and when it does again.
	OnEvent func(Event)
}

// An Event tells of the store. Fields may be added.
type Event struct {
	Gone bool          // true: it does not answer; false: it does again
	For  time.Duration // how long it was gone
	Err  error         // of Gone; its text may hold what the driver says
}

func (c Config) resolve() (Config, error) {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("switchboard: Config."+format, args...))
	}
	if c.Store == nil {
		wrong("Store is required")
	}
	if c.Lockout == nil {
		wrong("Lockout is required: that of the Retrier, see retry.Retrier.Lockout")
	}
	if c.Poll == 0 {
		c.Poll = defaultPoll
	}
	if c.Poll < minPoll || c.Poll > maxPoll {
		wrong("Poll %v is not between %v and %v", c.Poll, minPoll, maxPoll)
	}
	if len(c.Process) > 256 {
		wrong("Process is %d bytes long, more than 256", len(c.Process))
	}
	if c.Process == "" {
		c.Process = rand.Text()
	}
	return c, errors.Join(errs...)
}
